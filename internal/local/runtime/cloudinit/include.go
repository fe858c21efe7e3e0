package cloudinit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// includeTimeout bounds one fetch of what a part includes.
const includeTimeout = 30 * time.Second

// include replaces parts that name addresses by what lies there. What is
// included once is kept and not fetched at a later boot. An address that
// cannot be fetched is told and its content is left out; the other parts still
// run.
//
// https://docs.cloud-init.io/en/latest/explanation/format.html
func (b Boot) include(ctx context.Context, dir string, parts []Part) ([]Part, error) {
	var all []Part
	for _, p := range parts {
		if p.Err != nil || p.Type != typeInclude && p.Type != typeIncludeOnce {
			all = append(all, p)
			continue
		}
		once := p.Type == typeIncludeOnce
		lines := bufio.NewScanner(bytes.NewReader(p.Body))
		for lines.Scan() {
			address := strings.TrimSpace(lines.Text())
			switch {
			case strings.HasPrefix(address, "#include-once"):
				once = true
				continue
			case address == "" || strings.HasPrefix(address, "#"):
				continue
			}
			text, err := b.fetch(ctx, dir, address, once)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			var more []Part
			if err == nil {
				more, err = Parse(text)
			}
			if err != nil {
				b.say("what is to be included cannot be used: %v", err)
				continue
			}
			all = append(all, more...)
		}
	}
	return all, nil
}

// fetch reads an address, or what was kept of it.
func (b Boot) fetch(ctx context.Context, dir, address string, once bool) ([]byte, error) {
	sum := sha256.Sum256([]byte(address))
	kept := filepath.Join(dir, "urlcache", hex.EncodeToString(sum[:]))
	if once {
		text, err := os.ReadFile(kept)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, includeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxUnpacked))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", request.URL.Host, answer.Status)
	}
	if once {
		if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
			return nil, fmt.Errorf("keep what was included: %w", err)
		}
		if err := os.WriteFile(kept, text, 0o600); err != nil {
			return nil, fmt.Errorf("keep what was included: %w", err)
		}
	}
	return text, nil
}
