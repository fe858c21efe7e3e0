package cp

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/problem"
)

// inside copies by tar, which an instance of the local cloud has of its host.
func (t transfer) inside(ctx context.Context, cloud factory.LocalCloud, id string) error {
	if t.upload {
		return t.pack(ctx, cloud, id)
	}
	return t.unpack(ctx, cloud, id)
}

// receive unpacks an archive where cp would put it: into "$1" when that is a
// folder, or when several come; else what came becomes "$1".
const receive = `set -e; cd; to=${1:-.}
if [ -d "$to" ]; then exec tar -xf - -C "$to"; fi
if [ "$2" -gt 1 ]; then echo "$to is no folder" >&2; exit 1; fi
case $to in */) echo "$to is no folder" >&2; exit 1; esac
over=$(dirname -- "$to"); new=$(mktemp -d -- "$over/.spawn-cp-XXXXXX"); trap 'rm -rf -- "$new"' EXIT
tar -xf - -C "$new"; mv -- "$new/$3" "$to"`

func (t transfer) pack(ctx context.Context, cloud factory.LocalCloud, id string) error {
	for _, s := range t.sources {
		if info, err := os.Stat(s); err != nil {
			return problem.New(problem.Usage, "read what to copy: %w", err)
		} else if info.IsDir() && !t.recursive {
			return folderRefused(s)
		}
	}
	out, in := io.Pipe()
	go func() { in.CloseWithError(archive(in, t.sources)) }()
	code, err := cloud.Pipe(ctx, id, []string{"sh", "-c", receive, "sh", t.to, strconv.Itoa(len(t.sources)), lastName(t.sources[0])}, out, io.Discard)
	// The reader is closed, so that archive ends, too; what ended it comes first.
	_ = out.Close()
	return outcome(code, err)
}

// lastName is the name under which a path is in an archive: of "." and the like
// it is the folder's own.
func lastName(name string) string {
	if whole, err := filepath.Abs(name); err == nil {
		name = whole
	}
	return filepath.Base(name)
}

func folderRefused(name string) error {
	return problem.New(problem.Usage, "%s is a folder", name).WithNext("copy it with all that is in it: -r")
}

func outcome(code int, err error) error {
	if err == nil && code != 0 {
		return problem.New(problem.Failed, "nothing is known to have been copied: tar exited with %d on the instance", code)
	}
	return err
}

// archive writes the sources by their last names, folders with what is in them.
func archive(w io.Writer, sources []string) error {
	out := tar.NewWriter(w)
	for _, source := range sources {
		base, err := filepath.Abs(source)
		if err != nil {
			return err
		}
		err = filepath.WalkDir(base, func(name string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			within, err := filepath.Rel(base, name)
			if err != nil {
				return err
			}
			return add(out, name, path.Join(lastName(source), filepath.ToSlash(within)))
		})
		if err != nil {
			return fmt.Errorf("copy %s: %w", source, err)
		}
	}
	return out.Close()
}

// add writes one file. What a link leads to is copied, as scp does.
func add(out *tar.Writer, name, as string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return fmt.Errorf("%s is neither a file nor a folder", name)
	}
	header, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return err
	}
	header.Name, header.Uid, header.Gid, header.Uname, header.Gname = as, 0, 0, "", ""
	if err := out.WriteHeader(header); err != nil || info.IsDir() {
		return err
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, file)
	return errors.Join(err, file.Close())
}

// send packs one path of the instance by its last name.
const send = `set -e; cd; from=${1:-.}
if [ -d "$from" ] && [ "$2" != true ]; then echo "$from is a folder: copy it with -r" >&2; exit 1; fi
from=$(readlink -f -- "$from"); exec tar -chf - -C "$(dirname -- "$from")" -- "$(basename -- "$from")"`

// unpack reads the sources one after another.
func (t transfer) unpack(ctx context.Context, cloud factory.LocalCloud, id string) error {
	into, renamed, err := place(t.to, len(t.sources))
	if err != nil {
		return err
	}
	for _, source := range t.sources {
		out, in := io.Pipe()
		done := make(chan error, 1)
		go func() {
			err := extract(out, into, renamed)
			_, drained := io.Copy(io.Discard, out) // tar pads its archives
			done <- errors.Join(err, drained)
		}()
		code, err := cloud.Pipe(ctx, id, []string{"sh", "-c", send, "sh", source, strconv.FormatBool(t.recursive)}, strings.NewReader(""), in)
		_ = in.Close()
		if failed := <-done; err == nil && code == 0 {
			err = failed
		}
		if err := outcome(code, err); err != nil {
			return fmt.Errorf("copy %s: %w", source, err)
		}
	}
	return nil
}

// place is the folder to unpack into, and the name that what comes gets there,
// "" for its own.
func place(to string, sources int) (into, renamed string, err error) {
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		return to, "", nil
	}
	if sources > 1 || strings.HasSuffix(to, "/") {
		return "", "", problem.New(problem.Usage, "%s is no folder", to)
	}
	return filepath.Dir(to), filepath.Base(to), nil
}

// extract unpacks an archive under a folder. Its paths stay below it, whatever
// they say: the instance is not trusted with this machine's files.
func extract(r io.Reader, into, renamed string) error {
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a folder that was only looked up in has nothing to lose
	in := tar.NewReader(r)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Clean(header.Name)
		if renamed != "" {
			_, rest, _ := strings.Cut(name, "/")
			name = path.Join(renamed, rest)
		}
		if err := write(root, filepath.FromSlash(name), header, in); err != nil {
			return err
		}
	}
}

func write(root *os.Root, name string, header *tar.Header, content io.Reader) error {
	switch header.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case tar.TypeReg:
	default:
		return fmt.Errorf("%s is neither a file nor a folder", header.Name)
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, header.FileInfo().Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
