// Package operator is the program that makes of every SojuBouncer and ErgoNetwork what it describes: it runs
// operators/soju and operators/ergo against the API server that its environment or service account points to.
//
// Any number of it may run; one leads and acts, the others wait. One that was told to stop (SIGTERM) finishes what it is
// at, gives the lead back and ends, so that a roll-out hands over within a second. What a newer version has looked after
// is left alone by an older one that comes to lead (see operators/reconciler).
//
// # Settings
//
// They are variables of the environment; see [settings]. The program refuses to start with all that is wrong with them.
// ERGO_HISTORY says what the image in ERGO_IMAGE can do: "postgresql" (an ergo built with that tag) or "memory".
// ALLOW_DOWNGRADE=true is for rolling the platform back on purpose.
//
// # Probes
//
// HEALTH_ADDRESS serves /healthz (the process answers) and /readyz (it has read what is in the cluster), as METRICS_ADDRESS
// does under the names that package program has. A database that is away is no reason to be unready: resources say so in
// their conditions.
//
// # Metrics
//
// METRICS_ADDRESS (:9095) serves /metrics: the process's and Go's own, the database pool's, and
//
//   - controller_runtime_reconcile_time_seconds{controller}, controller_runtime_reconcile_total{controller,result},
//     controller_runtime_reconcile_errors_total{controller}: duration and errors of reconciliations, where controller is
//     soju or ergo;
//   - workqueue_depth{name}, workqueue_queue_duration_seconds{name}, workqueue_retries_total{name}: what waits;
//   - leader_election_master_status{name}: 1 at the one that acts;
//   - rest_client_requests_total{code,method}: calls to the API server;
//   - irc_network_up, irc_network_clients, irc_network_clients_limit, irc_network_channels, all {network}: of every
//     network that is not stopped, asked for every half a minute, at the leader only.
//
// # Rights
//
// Each package names what it needs beside the calls that need it, as kubebuilder's rbac markers. A test in knative/ holds
// knative/base/operator/roles.yaml to them, and one here runs the program with those roles alone. Nothing is granted by a
// wildcard, and nothing outside the tenants' namespace but the lease. Leading and telling needs:
//
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=irc-now,resources=leases,verbs=get;create;update
// +kubebuilder:rbac:groups="",namespace=irc-now,resources=events,verbs=create;patch
package operator
