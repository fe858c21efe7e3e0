package bootstrap

import (
	"errors"
	"fmt"
)

// typeInclude is a list of addresses whose content cloud-init fetches, keeps
// and treats like the user-data itself.
//
// https://docs.cloud-init.io/en/latest/explanation/format.html
const typeInclude = "text/x-include-once-url"

// TooLargeError is user-data that EC2 would refuse. It can be carried.
type TooLargeError struct {
	Size int // bytes of the user's part, compressed
	Room int // bytes that there are for it
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("your user-data has %d bytes after compression, and there is room for %d", e.Size, e.Room)
}

// Check says why cloud-init would not understand a user's user-data, if so.
// None is fine.
func Check(user []byte) error {
	if len(user) > maxUnpacked {
		return fmt.Errorf("your user-data has %d bytes, and spawn takes %d", len(user), maxUnpacked)
	}
	if _, err := userParts(user); err != nil {
		return fmt.Errorf("read your user-data: %w", err)
	}
	return nil
}

// Cargo is a user's user-data as it is put where instances fetch it from, to
// be named as Params.Carried: the same parts that would have been sent. It is
// not compressed, because cloud-init reads it as text when the machine boots
// again.
func Cargo(user []byte) ([]byte, error) {
	parts, err := userParts(user)
	if err != nil {
		return nil, fmt.Errorf("read your user-data: %w", err)
	}
	if len(parts) == 0 {
		return nil, errors.New("there is no user-data to carry")
	}
	b, err := archive(parts)
	if err != nil {
		return nil, fmt.Errorf("write your user-data: %w", err)
	}
	return b, nil
}

// theirParts are the user's parts: as they are, or where they lie.
func theirParts(p Params) ([]part, error) {
	if p.Carried == "" {
		parts, err := userParts(p.User)
		if err != nil {
			return nil, fmt.Errorf("read your user-data: %w", err)
		}
		return parts, nil
	}
	if err := checkURL(p.Carried); err != nil {
		return nil, err
	}
	return []part{{kind: typeInclude, filename: "user-001", body: "#include-once\n" + p.Carried}}, nil
}
