package form

import (
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"

	"github.com/spawn-ec2/spawn/internal/term"
)

// writeYAML writes what the JSON form says, with the same keys in the same
// order; what is not known is null here as there.
func writeYAML(streams term.Streams, answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if text, err = yaml.JSONToYAML(text); err != nil {
		return fmt.Errorf("print as yaml: %w", err)
	}
	if _, err := streams.Out.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
