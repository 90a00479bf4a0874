package schema

// BringAll is what [Program] runs.
var BringAll = bringAll
