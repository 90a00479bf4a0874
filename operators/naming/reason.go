package naming

// Reasons of conditions and of the events that report them.
const (
	// Of Ready.
	AllReady     = "AllReady"
	Suspended    = "Suspended"
	OverPlan     = "OverPlan"     // stopped like Suspended, by the plan
	NewerVersion = "NewerVersion" // a newer operator wrote the status

	// Of every condition.
	WaitsForOther = "WaitsForOther" // another condition has to be true first
	Failed        = "Failed"        // an error that is retried; details are in the operator's log
	BeingRemoved  = "BeingRemoved"  // an object of the name is left from one before
	NotOurs       = "NotOurs"       // an object of the name exists and belongs to somebody else
	Refused       = "Refused"       // the API server does not take an object

	// Of DatabaseReady.
	DatabaseMade        = "DatabaseMade"
	DatabaseConflict    = "DatabaseConflict"
	DatabaseUnavailable = "DatabaseUnavailable"

	// Of WorkloadReady.
	PodReady    = "PodReady"
	PodStarting = "PodStarting"
	PodFailing  = "PodFailing"
	// What runs has not loaded a change yet, or cannot.
	ConfigurationPending = "ConfigurationPending"
	ConfigurationRefused = "ConfigurationRefused"

	// Of CertificateReady.
	CertificateIssued  = "CertificateIssued"
	CertificatePending = "CertificatePending"
	NoCertificateAPI   = "NoCertificateAPI"

	// Of Exposed.
	Admitted      = "Admitted"
	NotAdmitted   = "NotAdmitted"
	NoExposureAPI = "NoExposureAPI"
	InternalOnly  = "InternalOnly"
)

// Reasons of events that are about no condition.
const (
	DatabaseBuried   = "DatabaseBuried"
	Reloaded         = "Reloaded"
	PasswordReplaced = "PasswordReplaced"
)
