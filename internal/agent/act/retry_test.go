package act

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"github.com/spawn-ec2/spawn/internal/awserr"
)

// answers is an API that gives one answer after another, then agrees; a nil
// function hangs.
type answers struct {
	EC2API
	list  []error
	hang  bool
	calls int
}

func (a *answers) TerminateInstances(ctx context.Context, _ *ec2.TerminateInstancesInput, _ ...func(*ec2.Options)) (*ec2.TerminateInstancesOutput, error) {
	a.calls++
	if a.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if a.calls <= len(a.list) {
		return nil, a.list[a.calls-1]
	}
	return &ec2.TerminateInstancesOutput{}, nil
}

func code(c string) error { return &smithy.GenericAPIError{Code: c, Message: c} }

func TestATransientFailureIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &answers{list: []error{code("RequestLimitExceeded"), errors.New("no route to host"), code("ExpiredToken"), code("UnauthorizedOperation"), code("InternalError")}}
		if err := NewInstance(api, "i-1").Terminate(t.Context()); err != nil || api.calls != 6 {
			t.Errorf("%d calls, %v", api.calls, err)
		}
	})
}

func TestNoActionIsTriedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		api := &answers{hang: true}
		if NewInstance(api, "i-1").Terminate(t.Context()) == nil {
			t.Error("an API that hangs agreed")
		}
		if took := time.Since(begun); took > patience || api.calls < 5 {
			t.Errorf("%d calls in %s", api.calls, took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		refused := make([]error, 1000)
		for i := range refused {
			refused[i] = code("UnauthorizedOperation")
		}
		api := &answers{list: refused}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := NewInstance(api, "i-1").Terminate(ctx); !awserr.IsDenied(err) {
			t.Errorf("the reason is lost: %v", err)
		}
		if took := time.Since(begun); took > 10*time.Second || api.calls > 10 {
			t.Errorf("%d calls in %s", api.calls, took)
		}
	})
}

func TestAFinalAnswerIsNotAskedForAgain(t *testing.T) {
	for _, c := range []string{"InvalidInstanceID.NotFound", "UnsupportedOperation", "IncorrectInstanceState"} {
		api := &answers{list: []error{code(c)}}
		if err := NewInstance(api, "i-1").Terminate(t.Context()); awserr.Code(err) != c || api.calls != 1 {
			t.Errorf("%s: %d calls, %v", c, api.calls, err)
		}
	}
}
