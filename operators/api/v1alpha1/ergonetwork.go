package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Hosting is the plan that a network was hosted under while a plan's name said how many clients it takes. MaxClients says
// it now.
// +kubebuilder:validation:Enum=starter;growth
type Hosting string

// The plans that networks were hosted under.
const (
	HostingStarter Hosting = "starter"
	HostingGrowth  Hosting = "growth"
)

// hostingClients is what Hosting gave when it decided. Plans change, and this does not.
var hostingClients = map[Hosting]int32{HostingStarter: 50, HostingGrowth: 200}

// Clients is how many clients a network could take under h; 0 where h says nothing.
func (h Hosting) Clients() int32 { return hostingClients[h] }

// ErgoNetwork is one ergo, an IRC server that is a network of its own.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=ergonetworks,shortName=en,categories=irc
// +kubebuilder:selectablefield:JSONPath=`.spec.owner`
// +kubebuilder:printcolumn:name="Owner",type=string,JSONPath=`.spec.owner`
// +kubebuilder:printcolumn:name="Clients",type=integer,JSONPath=`.spec.maxClients`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Host",type=string,JSONPath=`.status.host`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) >= 2 && size(self.metadata.name) <= 32",message="The name must have 2 to 32 characters."
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$') && !self.metadata.name.contains('--')",message="The name must consist of the letters a to z, digits and single hyphens, start with a letter and not end in a hyphen."
// +kubebuilder:validation:XValidation:rule="!(['ergo-', 'irc-now', 'soju-'].exists(p, self.metadata.name.startsWith(p)) || ['-admin', '-chat', '-config', '-database', '-irc', '-tls', '-web', 'serv'].exists(s, self.metadata.name.endsWith(s)))",message="The name is reserved. Please pick another one."
// +kubebuilder:validation:XValidation:rule="!(self.metadata.name in ['about', 'abuse', 'account', 'accounts', 'admin', 'administrator', 'all', 'anon', 'anonymous', 'api', 'argo', 'assets', 'auth', 'autoconfig', 'autodiscover', 'billing', 'blog', 'bnc', 'bot', 'bots', 'bouncer', 'cdn', 'chat', 'clients', 'contact', 'dashboard', 'database', 'db', 'dns', 'docs', 'ergo', 'everyone', 'example', 'faq', 'ftp', 'gamja', 'global', 'grafana', 'guest', 'help', 'here', 'hostmaster', 'identity', 'imap', 'img', 'info', 'internal', 'introspect', 'invalid', 'irc', 'ircd', 'ircnow', 'ircop', 'ircops', 'isatap', 'keycloak', 'knative', 'kubernetes', 'landing', 'legal', 'local', 'localdomain', 'localhost', 'login', 'mail', 'me', 'metrics', 'mod', 'moderator', 'mx', 'my', 'net', 'network', 'networks', 'nil', 'no-reply', 'nobody', 'none', 'noreply', 'notes', 'ns', 'ns1', 'ns2', 'null', 'onion', 'openshift', 'oper', 'operator', 'opers', 'owner', 'password', 'pay', 'pics', 'pop', 'portal', 'postgres', 'postmaster', 'press', 'pricing', 'privacy', 'prometheus', 'register', 'root', 'security', 'self', 'server', 'service', 'services', 'signin', 'signup', 'smtp', 'soju', 'staff', 'static', 'status', 'stripe', 'support', 'sysop', 'system', 'team', 'terms', 'test', 'txt', 'undefined', 'user', 'users', 'webmaster', 'wpad', 'www'])",message="The name is reserved. Please pick another one."
type ErgoNetwork struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What the network shall be.
	// +required
	Spec ErgoNetworkSpec `json:"spec"`
	// What the operator has made of it.
	// +optional
	// +default={"observedGeneration": -1}
	Status Status `json:"status,omitzero"`
}

// ErgoNetworkSpec is what a network shall be.
type ErgoNetworkSpec struct {
	// The handle of the user whom the network belongs to, and who is its operator. It never changes.
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="The owner never changes. Delete the network and make a new one."
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$')",message="The owner must be a handle: the letters a to z, digits and hyphens."
	Owner string `json:"owner"`

	// What clients show as the network's name: one word of letters, digits, dots, hyphens and underscores.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9._-]*$')",message="The network's name must be one word of letters, digits, dots, hyphens and underscores."
	NetworkName string `json:"networkName"`

	// The message of the day, which clients show when they connect. Lines end in a line feed.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$')`,message="The message of the day must not hold control characters."
	MOTD string `json:"motd,omitempty"`

	// How many clients may be connected at once. irc.now lowers it to what the owner's plan allows, and raises it only as
	// far as the owner asked for. It may be left out only where the plan sets no limit, or where hosting is there.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MaxClients *int32 `json:"maxClients,omitempty"`

	// The plan that the network was hosted under (deprecated: write maxClients). Where it is there, no more clients are let
	// in than it stood for when it decided: 50 under starter, 200 under growth.
	// +optional
	Hosting Hosting `json:"hosting,omitempty"`

	// Stops the network. Its database, certificate and host name are kept.
	// +optional
	Suspended bool `json:"suspended,omitempty"`

	// Stops the network as suspended does, because its owner's plan does not pay for it any more. irc.now sets it when the
	// time after a downgrade is over, and takes it back when the plan pays for it again. It never touches suspended.
	// +optional
	OverPlan bool `json:"overPlan,omitempty"`
}

// Clients is how many clients may be connected at once; 0 sets no limit.
//
// In networks made before MaxClients was all that counts, Hosting set the limit and MaxClients a lower one. Those run as
// they did.
func (s ErgoNetworkSpec) Clients() int32 {
	limit := s.Hosting.Clients()
	if s.MaxClients == nil || limit > 0 && limit < *s.MaxClients {
		return limit
	}
	return *s.MaxClients
}

// Stopped reports whether the network shall not run, whoever stopped it.
func (s ErgoNetworkSpec) Stopped() bool { return s.Suspended || s.OverPlan }

// ErgoNetworkList is what a list request answers.
// +kubebuilder:object:root=true
type ErgoNetworkList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ErgoNetwork `json:"items"`
}

// GetStatus gives the status for reading and writing.
func (n *ErgoNetwork) GetStatus() *Status { return &n.Status }
