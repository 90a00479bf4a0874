package event

// TickType is the type of what a Knative PingSource sends on its schedule. Its data holds nothing; which schedule it
// was is in the source.
const TickType = "dev.knative.sources.ping"
