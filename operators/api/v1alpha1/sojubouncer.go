package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Role says who uses a bouncer.
// +kubebuilder:validation:Enum=shared;dedicated
type Role string

// The roles of a bouncer.
const (
	RoleShared    Role = "shared"
	RoleDedicated Role = "dedicated"
)

// SojuBouncer is one soju, an IRC bouncer: it stays connected to IRC networks for its user and keeps what was said.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=sojubouncers,shortName=sb,categories=irc
// +kubebuilder:selectablefield:JSONPath=`.spec.owner`
// +kubebuilder:printcolumn:name="Owner",type=string,JSONPath=`.spec.owner`
// +kubebuilder:printcolumn:name="Role",type=string,JSONPath=`.spec.role`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Host",type=string,JSONPath=`.status.host`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) >= 2 && size(self.metadata.name) <= 32",message="The name must have 2 to 32 characters."
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$') && !self.metadata.name.contains('--')",message="The name must consist of the letters a to z, digits and single hyphens, start with a letter and not end in a hyphen."
// +kubebuilder:validation:XValidation:rule="self.metadata.name == 'soju-shared' || !(['ergo-', 'irc-now', 'soju-'].exists(p, self.metadata.name.startsWith(p)) || ['-admin', '-chat', '-config', '-database', '-irc', '-tls', '-web', 'serv'].exists(s, self.metadata.name.endsWith(s)))",message="The name is reserved. Please pick another one."
// +kubebuilder:validation:XValidation:rule="!(self.metadata.name in ['about', 'abuse', 'account', 'accounts', 'admin', 'administrator', 'all', 'anon', 'anonymous', 'api', 'argo', 'assets', 'auth', 'autoconfig', 'autodiscover', 'billing', 'blog', 'bnc', 'bot', 'bots', 'bouncer', 'cdn', 'chat', 'clients', 'contact', 'dashboard', 'database', 'db', 'dns', 'docs', 'ergo', 'everyone', 'example', 'faq', 'ftp', 'gamja', 'global', 'grafana', 'guest', 'help', 'here', 'hostmaster', 'identity', 'imap', 'img', 'info', 'internal', 'introspect', 'invalid', 'irc', 'ircd', 'ircnow', 'ircop', 'ircops', 'isatap', 'keycloak', 'knative', 'kubernetes', 'landing', 'legal', 'local', 'localdomain', 'localhost', 'login', 'mail', 'me', 'metrics', 'mod', 'moderator', 'mx', 'my', 'net', 'network', 'networks', 'nil', 'no-reply', 'nobody', 'none', 'noreply', 'notes', 'ns', 'ns1', 'ns2', 'null', 'onion', 'openshift', 'oper', 'operator', 'opers', 'owner', 'password', 'pay', 'pics', 'pop', 'portal', 'postgres', 'postmaster', 'press', 'pricing', 'privacy', 'prometheus', 'register', 'root', 'security', 'self', 'server', 'service', 'services', 'signin', 'signup', 'smtp', 'soju', 'staff', 'static', 'status', 'stripe', 'support', 'sysop', 'system', 'team', 'terms', 'test', 'txt', 'undefined', 'user', 'users', 'webmaster', 'wpad', 'www'])",message="The name is reserved. Please pick another one."
// +kubebuilder:validation:XValidation:rule="(self.spec.role == 'shared') == (self.metadata.name == 'soju-shared')",message="The role shared belongs to the bouncer soju-shared, and to no other."
type SojuBouncer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What the bouncer shall be.
	// +required
	Spec SojuBouncerSpec `json:"spec"`
	// What the operator has made of it.
	// +optional
	// +default={"observedGeneration": -1}
	Status Status `json:"status,omitzero"`
}

// SojuBouncerSpec is what a bouncer shall be.
// +kubebuilder:validation:XValidation:rule="(self.role == 'shared') == (size(self.owner) == 0)",message="A dedicated bouncer needs an owner, and the shared one has none."
type SojuBouncerSpec struct {
	// The handle of the user whom the bouncer belongs to, and who alone can sign in to it. Empty for the shared bouncer
	// only. It never changes.
	// +optional
	// +default=""
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="The owner never changes. Delete the bouncer and make a new one."
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$')",message="The owner must be a handle: the letters a to z, digits and hyphens."
	Owner string `json:"owner"`

	// Who uses the bouncer: its owner (dedicated), or everybody who has no bouncer of their own (shared). It never
	// changes.
	// +optional
	// +default="dedicated"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="The role never changes."
	Role Role `json:"role"`

	// Stops the bouncer. Its database, certificate and host name are kept.
	// +optional
	Suspended bool `json:"suspended,omitempty"`

	// Stops the bouncer as suspended does, because its owner's plan does not pay for it any more. irc.now sets it when the
	// time after a downgrade is over, and takes it back when the plan pays for it again. It never touches suspended.
	// +optional
	OverPlan bool `json:"overPlan,omitempty"`

	// What clients show as the bouncer's name. By default that is its host name.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[^\x00-\x1f\x7f-\x9f]*$')`,message="The title must be one line without control characters."
	Title string `json:"title,omitempty"`

	// How many networks each user of the bouncer may be connected to. 0 sets no limit.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	MaxUserNetworks int32 `json:"maxUserNetworks,omitempty"`

	// After how many days messages are deleted. 0 keeps them for ever.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3650
	MessageExpiryDays int32 `json:"messageExpiryDays,omitempty"`
}

// Stopped reports whether the bouncer shall not run, whoever stopped it.
func (s SojuBouncerSpec) Stopped() bool { return s.Suspended || s.OverPlan }

// SojuBouncerList is what a list request answers.
// +kubebuilder:object:root=true
type SojuBouncerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []SojuBouncer `json:"items"`
}

// GetStatus gives the status for reading and writing.
func (b *SojuBouncer) GetStatus() *Status { return &b.Status }
