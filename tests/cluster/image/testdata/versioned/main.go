// Command versioned tells its version, as it was linked.
package main

import "os"

var version = "dev"

func main() { _, _ = os.Stdout.WriteString(version) }
