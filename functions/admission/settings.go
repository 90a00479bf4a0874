package admission

import (
	"errors"

	"irc.now/operators/client"
	"irc.now/shared/config"
)

// settings are the environment of the function, with TENANT_NAMESPACE and what else [client.Settings] reads. Objects in
// other namespaces are refused, since no operator looks there.
type settings struct {
	client.Settings

	Database config.Secret `env:"ACCOUNTS_DATABASE_URL,required,notEmpty"`
	Changers []string      `env:"OWNER_CHANGERS"` // user names, with commas between, who may change the label of an owner
}

// Validate checks what the tags cannot.
func (s *settings) Validate() error {
	problems := []error{s.Settings.Validate()}
	if s.Namespace == "" {
		problems = append(problems, errors.New("TENANT_NAMESPACE is not set, where all bouncers and networks are"))
	}
	return errors.Join(problems...)
}
