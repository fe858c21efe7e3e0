package sense

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
)

const (
	// gpuEvery is the pause between two looks at the GPUs. nvidia-smi costs
	// some tenths of a second of processor time, seconds where the driver is
	// not kept loaded.
	gpuEvery = time.Minute

	// gpuTimeout is what one run of it may take.
	gpuTimeout = 15 * time.Second

	// vendorNVIDIA is NVIDIA's number on the PCI bus.
	//
	// https://pci-ids.ucw.cz/read/PC/10de
	vendorNVIDIA = "0x10de"
)

// gpus senses the use of NVIDIA's GPUs by the program that comes with their
// driver. Where that is not installed nothing can use them; where there is no
// GPU of theirs it is not run, for it only fails. Other makers' GPUs and
// accelerators are not read: what uses them uses the processors too, or is
// named as a busy process.
type gpus struct {
	sys     string
	paths   []string
	timeout time.Duration // of one run
}

func newGPUs(sys string, paths []string) *gpus {
	return &gpus{sys: sys, paths: paths, timeout: gpuTimeout}
}

func (g *gpus) sense(moment) []core.Signal {
	s := core.Signal{Name: "gpu", Active: true}
	program, err := g.program()
	if err == nil && program == "" {
		return nil
	}
	if err == nil {
		s.Active, s.Detail, err = g.use(program)
	}
	if err != nil {
		s.Active, s.Detail, s.Err = true, "GPU unknown", fmt.Errorf("read the use of the GPUs: %w", err)
	}
	return []core.Signal{s}
}

// program is where nvidia-smi is; "" if there is nothing to ask.
func (g *gpus) program() (string, error) {
	for _, path := range g.paths {
		switch info, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", err
		case info.Mode().IsRegular():
			there, err := g.present()
			if !there {
				path = ""
			}
			return path, err
		}
	}
	return "", nil
}

// present tells that a device of NVIDIA's is on the bus. Where the bus cannot
// be seen there may be one.
func (g *gpus) present() (bool, error) {
	devices := filepath.Join(g.sys, "bus", "pci", "devices")
	names, err := os.ReadDir(devices)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	for _, name := range names {
		vendor, err := readFile(filepath.Join(devices, name.Name(), "vendor"), 64)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		if strings.TrimSpace(string(vendor)) == vendorNVIDIA {
			return true, nil
		}
	}
	return false, err
}

// use asks for the use of each GPU. One that is divided (MIG) has no figure
// for the whole; then it counts whether any program holds a part of it.
//
// https://docs.nvidia.com/deploy/nvidia-smi/index.html
func (g *gpus) use(program string) (active bool, detail string, err error) {
	out, err := g.ask(program, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
	if err != nil {
		return true, "", err
	}
	count, busiest, divided, err := parseGPUs(out)
	if err != nil {
		return true, "", err
	}
	if busiest > 0 || !divided {
		return busiest > 0, fmt.Sprintf("GPU %d %% at most of %s (idle at 0 %%)", busiest, counted(count, "GPU")), nil
	}
	out, err = g.ask(program, "--query-compute-apps=pid", "--format=csv,noheader")
	if err != nil {
		return true, "", err
	}
	if programs := len(bytes.Fields(out)); programs > 0 {
		return true, fmt.Sprintf("GPU used by %s, its share is not told (idle without any)", counted(programs, "program")), nil
	}
	return false, fmt.Sprintf("GPU used by no program, %s (idle without any)", counted(count, "GPU")), nil
}

// ask runs nvidia-smi within its time.
func (g *gpus) ask(program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), g.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	cmd.WaitDelay = time.Second
	var out, problem firstBytes
	cmd.Stdout, cmd.Stderr = &out, &problem
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("nvidia-smi did not answer for %s", g.timeout)
	case err != nil:
		return nil, fmt.Errorf("nvidia-smi: %w: %s", err, printable(string(append(out, problem...))))
	}
	return out, nil
}

// firstBytes keeps the beginning of what is written to it.
type firstBytes []byte

func (f *firstBytes) Write(b []byte) (int, error) {
	const enough = 16 << 10
	*f = append(*f, b[:min(len(b), max(enough-len(*f), 0))]...)
	return len(b), nil
}

// parseGPUs reads the use of each GPU, in percent, a line each. divided tells
// that at least one has no figure.
func parseGPUs(out []byte) (count int, busiest uint64, divided bool, err error) {
	for line := range bytes.Lines(out) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		count++
		if noFigure(line) {
			divided = true
			continue
		}
		percent, err := number(line)
		if err != nil || percent > 100 {
			return 0, 0, false, fmt.Errorf("nvidia-smi says that a GPU is used at %.40q", line)
		}
		busiest = max(busiest, percent)
	}
	if count == 0 {
		return 0, 0, false, errors.New("nvidia-smi names no GPU")
	}
	return count, busiest, divided, nil
}

// noFigure tells that nvidia-smi has no figure for a GPU because there is none,
// not because something is wrong with it.
func noFigure(line []byte) bool {
	switch string(bytes.Trim(line, "[]")) {
	case "N/A", "Not Supported":
		return true
	}
	return false
}
