package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/spawn-ec2/spawn/internal/catalog"
)

// priceList is a list of on-demand prices by region and type, in millionths of
// a USD per hour.
type priceList struct {
	source catalog.Source
	prices map[string]map[string]int64
}

var generatedAt = regexp.MustCompile(`generated at (\d{4}-\d\d-\d\d)T`)

// readPrices reads one of Karpenter's generated price files.
func readPrices(m module, dir, file, variable string) (priceList, error) {
	values, day, err := readVariable(filepath.Join(dir, "pkg", "providers", "pricing", file), variable)
	if err != nil {
		return priceList{}, err
	}
	list := priceList{
		source: catalog.Source{Name: "AWS on-demand price list, in karpenter-provider-aws " + m.version, AsOf: day},
		prices: map[string]map[string]int64{},
	}
	for region, types := range entries(values) {
		list.prices[region] = map[string]int64{}
		for name, price := range entries(types) {
			micro, err := microUSD(literal(price))
			if err != nil {
				return priceList{}, fmt.Errorf("price of %s in %s: %w", name, region, err)
			}
			list.prices[region][name] = micro
		}
	}
	if len(list.prices) == 0 {
		return priceList{}, fmt.Errorf("no prices in %s", file)
	}
	return list, nil
}

// readBandwidth reads the network bandwidth that types have all the time.
func readBandwidth(dir string) (map[string]int, error) {
	values, _, err := readVariable(
		filepath.Join(dir, "pkg", "providers", "instancetype", "zz_generated.bandwidth.go"), "InstanceTypeBandwidthMegabits")
	if err != nil {
		return nil, err
	}
	bandwidth := map[string]int{}
	for name, value := range entries(values) {
		mbps, err := strconv.Atoi(literal(value))
		if err != nil {
			return nil, fmt.Errorf("bandwidth of %s: %w", name, err)
		}
		bandwidth[name] = mbps
	}
	return bandwidth, nil
}

// typeNames reads the names of the instance types from the SDK's enumeration.
func typeNames(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "types", "enums.go"))
	if err != nil {
		return nil, fmt.Errorf("read the names of types: %w", err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`InstanceType = "([a-z0-9-]+\.[a-z0-9-]+)"`).FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	if len(names) < 1000 {
		return nil, fmt.Errorf("only %d names of types were found", len(names))
	}
	return names, nil
}

// readVariable finds a package-level variable in a Go file and the day on which
// the file says it was generated ("" when it does not).
func readVariable(path, name string) (value ast.Expr, day string, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, "", fmt.Errorf("parse %s: %w", filepath.Base(path), err)
	}
	for _, comment := range file.Comments {
		if m := generatedAt.FindStringSubmatch(comment.Text()); m != nil {
			day = m[1]
			break
		}
	}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && v.Names[0].Name == name && len(v.Values) == 1 {
				return v.Values[0], day, nil
			}
		}
	}
	return nil, "", fmt.Errorf("%s has no variable %s", filepath.Base(path), name)
}

// entries are the entries of a map literal with string keys.
func entries(value ast.Expr) map[string]ast.Expr {
	found := map[string]ast.Expr{}
	composite, ok := value.(*ast.CompositeLit)
	if !ok {
		return found
	}
	for _, element := range composite.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			found[literal(pair.Key)] = pair.Value
		}
	}
	return found
}

// literal is the value of a string or number literal; "" for anything else.
func literal(e ast.Expr) string {
	basic, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	if text, err := strconv.Unquote(basic.Value); err == nil {
		return text
	}
	return basic.Value
}
