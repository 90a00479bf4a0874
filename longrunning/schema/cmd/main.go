// Command schema brings the databases of a release up to date; see longrunning/schema for its settings.
package main

import "irc.now/longrunning/schema"

func main() { schema.Main(schema.Platform()) }
