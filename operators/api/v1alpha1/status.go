package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The types of conditions. Ready sums the others up. Reconciling and Stalled are those of kstatus: they are there only
// while they are true.
const (
	Ready            = "Ready"
	DatabaseReady    = "DatabaseReady"
	WorkloadReady    = "WorkloadReady"
	CertificateReady = "CertificateReady"
	Exposed          = "Exposed"

	// Reconciling means that the operator is still at work or waits for something that should come by itself.
	Reconciling = "Reconciling"
	// Stalled means that nothing will happen until somebody changes the object or what its message names.
	Stalled = "Stalled"
)

// Status is what an operator has made of an object.
type Status struct {
	// The generation of the object that this status is about. A status of an older generation says nothing about the
	// present spec. -1 until the operator has seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// What is done and what is missing, in words for the owner. Types: Ready (all of the others), DatabaseReady,
	// WorkloadReady, CertificateReady, Exposed; and Reconciling or Stalled while they are true.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// The host name that clients connect to.
	// +optional
	Host string `json:"host,omitempty"`

	// The name of the database on the tenants' PostgreSQL server.
	// +optional
	Database string `json:"database,omitempty"`

	// The version of the operator that wrote this status. An older operator leaves the object to that one.
	// +optional
	OperatorVersion string `json:"operatorVersion,omitempty"`
}
