package cloudinit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Metadata is a client of the instance metadata service that does what a
// real image does: a session token first (IMDSv2), then the question.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
type Metadata struct {
	URL    string       // http://169.254.169.254
	Client *http.Client // nil: a client with a time limit and no proxy
}

// errAbsent is the service's 404: this instance has no such item.
var errAbsent = errors.New("not found")

// Get returns the item at a path below /latest/, such as "user-data". The
// bool is false if the service says that there is none.
func (m Metadata) Get(ctx context.Context, path string) ([]byte, bool, error) {
	token, err := m.do(ctx, http.MethodPut, "api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	if err != nil {
		return nil, false, fmt.Errorf("get a metadata token: %w", err)
	}
	body, err := m.do(ctx, http.MethodGet, path, "X-aws-ec2-metadata-token", string(token))
	switch {
	case errors.Is(err, errAbsent):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("get %s: %w", path, err)
	}
	return body, true, nil
}

func (m Metadata) do(ctx context.Context, method, path, key, value string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(m.URL, "/")+"/latest/"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set(key, value)
	res, err := m.client().Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxUnpacked))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode == http.StatusNotFound:
		return nil, errAbsent
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the metadata service answered %s", res.Status)
	}
	return body, nil
}

func (m Metadata) client() *http.Client {
	if m.Client != nil {
		return m.Client
	}
	// Proxy settings of the environment must never reach the metadata service.
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}
