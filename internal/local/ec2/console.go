package ec2

import (
	"encoding/base64"
	"sync"
	"time"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/wire"
)

// consoleSize is how much of the console's output is kept: the last of it.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
const consoleSize = 64 << 10

// console keeps the end of what a machine prints.
type console struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer. It never fails.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, b...)
	if extra := len(c.text) - consoleSize; extra > 0 {
		c.text = append(c.text[:0], c.text[extra:]...)
	}
	return len(b), nil
}

func (c *console) read() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte(nil), c.text...)
}

type consoleInput struct {
	call.Dry
	InstanceID string `query:"InstanceId"`
	Latest     bool
}

type consoleOutput struct {
	InstanceID string `xml:"instanceId"`
	Timestamp  string `xml:"timestamp"`
	Output     string `xml:"output,omitempty"`
}

// getConsoleOutput answers with what is there now, as AWS does with Latest on
// Nitro; a type that is not of Nitro would refuse Latest.
func (s *Service) getConsoleOutput(tx *store.Tx, c *call.Caller, in *consoleInput) (*consoleOutput, error) {
	i, err := s.instances.find(tx, c.Region, in.InstanceID)
	if err != nil {
		return nil, err
	}
	if err := c.Require("ec2:GetConsoleOutput", s.arn(c.Region, "instance", i.ID), s.instanceKeys(tx, i)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	screen := s.consoles[i.ID]
	s.mu.Unlock()
	out := &consoleOutput{InstanceID: i.ID, Timestamp: wire.Time(tx.Now().Truncate(time.Second))}
	if screen != nil {
		out.Output = base64.StdEncoding.EncodeToString(screen.read())
	}
	return out, nil
}
