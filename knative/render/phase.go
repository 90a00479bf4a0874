package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Phases are objects in the order in which they are applied.
type Phases struct {
	Definitions []Object // namespaces, and kinds, which the API server has to serve before it takes what is of them
	Foundations []Object // what jobs stand on: the database, accounts, roles, settings
	Jobs        []Object // what runs once for each release; everything else waits until it is done
	Rest        []Object
}

// foundations are the kinds that jobs stand on. Nothing of them runs before a job that would have to wait for it.
var foundations = map[string]bool{
	"Cluster": true, "ConfigMap": true, "NetworkPolicy": true, "Role": true, "RoleBinding": true, "ServiceAccount": true,
}

// InPhases sorts objects into phases, and keeps their order in each.
func InPhases(objects []Object) Phases {
	var phases Phases
	for _, object := range objects {
		to := &phases.Rest
		switch kind := object.Kind(); {
		case kind == "Namespace", kind == "CustomResourceDefinition":
			to = &phases.Definitions
		case foundations[kind]:
			to = &phases.Foundations
		case kind == "Job":
			to = &phases.Jobs
		}
		*to = append(*to, object)
	}
	return phases
}

// checksumBytes is how much of a checksum is enough to tell a job's releases apart.
const checksumBytes = 5

// NameJobs appends a checksum of each job's specification to its name: a job cannot be changed, and one that ran is to
// run again exactly when its image or its settings are others. References to images have to be replaced before.
func NameJobs(objects []Object) error {
	for _, object := range objects {
		if object.Kind() != "Job" {
			continue
		}
		specification, err := json.Marshal(object["spec"]) // keys are sorted
		if err != nil {
			return fmt.Errorf("name %s: %w", object, err)
		}
		sum := sha256.Sum256(specification)
		object.metadata()["name"] = object.Name() + "-" + hex.EncodeToString(sum[:checksumBytes])
	}
	return nil
}
