package schema

// Program is what [Main] runs.
var Program = program
