package main

import (
	"fmt"
	"strconv"
	"strings"
)

// figures are those that benchmarks and the story have printed.
func figures(output string) []string {
	var all []string
	listed := false // what follows the story's "Figures:"
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "BenchmarkBouncers"):
			all = append(all, bouncers(line))
		case line == "Figures:":
			listed = true
		case listed && strings.HasPrefix(line, "  "):
			all = append(all, strings.TrimSpace(line))
		default:
			listed = false
		}
	}
	return all
}

// bouncers puts a benchmark's line into words; a figure that it lacks is NaN.
func bouncers(line string) string {
	fields := strings.Fields(line)
	of := map[string]string{}
	for i := 2; i+1 < len(fields); i += 2 {
		of[fields[i+1]] = fields[i]
	}
	value := func(unit string) float64 {
		v, err := strconv.ParseFloat(of[unit], 64)
		if err != nil {
			v, _ = strconv.ParseFloat("NaN", 64)
		}
		return v
	}
	return fmt.Sprintf("1,000 bouncers without kubelet: all objects after %.0f s; %.0f API writes/s, a bare loop %.0f, ratio %.2f (aim ≥ 0.50); steady state %.0f writes (aim 0)",
		value("s/all"), value("writes/s"), value("bare-writes/s"), value("of-bare"), value("steady-writes"))
}
