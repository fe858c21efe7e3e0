package ec2

import "github.com/spawn-ec2/spawn/internal/local/wire"

// The codes are those of
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html

func errMissing(parameter string) *wire.Error {
	return wire.Errorf("MissingParameter", "The request must contain the parameter %s", parameter)
}

func errValue(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidParameterValue", format, args...)
}

func errCombination(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidParameterCombination", format, args...)
}
