package local_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/spawn-ec2/spawn/internal/local"
	"github.com/spawn-ec2/spawn/internal/local/runtime/none"
)

// server is a cloud without a network before it, so that what is measured is
// the cloud's own time.
func server(b *testing.B) (c *local.Cloud, send func(form string) string) {
	b.Helper()
	c, err := local.New(local.Options{Dir: b.TempDir(), Runtime: none.New(), Addr: "127.0.0.1:4566"})
	noError(b, err)
	b.Cleanup(func() { noError(b, c.Close(context.Background())) })
	handler, signer, admin := c.Handler(), v4.NewSigner(), c.Admin()
	return c, func(form string) string {
		form += "&Version=2016-11-15"
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4566/", strings.NewReader(form))
		err := signer.SignHTTP(b.Context(), aws.Credentials{AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey}, r, sha256Hex(form), "ec2", region, c.Clock().Now())
		noError(b, err)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Body.String()
	}
}

const launch = "Action=RunInstances&ImageId=" + "resolve%3Assm%3A%2Faws%2Fservice%2Fami-amazon-linux-latest%2Fal2023-ami-kernel-default-x86_64" +
	"&InstanceType=t3.micro&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=x"

// fill launches n instances, 1000 at a time, and returns the id of one.
func fill(send func(string) string, n int) string {
	out := ""
	for range n / 1000 {
		out = send(launch + "&MinCount=1000&MaxCount=1000")
	}
	_, out, _ = strings.Cut(out, "<instanceId>")
	id, _, _ := strings.Cut(out, "<")
	return id
}

func BenchmarkDescribeOneOfTenThousand(b *testing.B) {
	_, send := server(b)
	id := fill(send, 10_000)
	for b.Loop() {
		send("Action=DescribeInstances&InstanceId.1=" + id)
	}
}

func BenchmarkDescribeByTagAmongTenThousand(b *testing.B) {
	_, send := server(b)
	fill(send, 10_000)
	for b.Loop() {
		send("Action=DescribeInstances&Filter.1.Name=tag%3AName&Filter.1.Value.1=y")
	}
}

func BenchmarkRunOneThousand(b *testing.B) {
	for b.Loop() {
		_, send := server(b)
		for i := range 1000 {
			send(fmt.Sprintf("%s&MinCount=1&MaxCount=1&ClientToken=t%d", launch, i))
		}
	}
}

func BenchmarkIdleMemory(b *testing.B) {
	for b.Loop() {
		_, _ = server(b)
		goruntime.GC()
		var m goruntime.MemStats
		goruntime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "heap-MB")
	}
}
