// The command line of every component, and the configuration files they read: what makes this
// cluster quick, quiet and faithful. Each unusual flag has its reason beside it. Starting and
// watching the processes is supervisor.go's work.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	nameEtcd        = "etcd"
	nameAPIServer   = "kube-apiserver"
	nameControllers = "kube-controller-manager"
	nameScheduler   = "kube-scheduler"
	nameFakelet     = "fakelet"
)

type component struct {
	name   string
	args   []string
	health string // URL that answers 200 once it is ready; empty: nothing to wait for
}

// plan is what `up` was asked for, with every address and path decided.
type plan struct {
	dir                             string
	etcd, etcdPeer                  string
	server                          string
	apiPort, kcmPort, schedulerPort string
	sockets                         string // folder of the unix sockets
	grace, lease                    string
	qps                             int
	fsync, audit                    bool
	defaultScheduling               bool
	metricsAPI                      bool
}

func (p *plan) path(parts ...string) string {
	return filepath.Join(append([]string{p.dir}, parts...)...)
}

func (p *plan) egressSocket() string { return filepath.Join(p.sockets, "egress.sock") }

func (p *plan) fakeletSocket() string { return filepath.Join(p.sockets, "fakelet.sock") }

// components lists them in starting order: each needs those before it.
func (p *plan) components(keys *pki) []component {
	return []component{p.etcdComponent(), p.apiServer(keys), p.controllers(keys), p.scheduler(keys), p.fakelet(keys)}
}

func (p *plan) etcdComponent() component {
	return component{nameEtcd, []string{
		"--data-dir=" + p.path("etcd"), "--client=" + p.etcd, "--peer=" + p.etcdPeer, fmt.Sprintf("--fsync=%v", p.fsync),
	}, "http://" + p.etcd + "/health"}
}

func (p *plan) apiServer(keys *pki) component {
	args := []string{
		"--etcd-servers=http://" + p.etcd,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + p.apiPort,
		"--endpoint-reconciler-type=none", // the default refuses a loopback address
		// No --enable-aggregator-routing: without it a Service of type ExternalName lets an APIService
		// or a webhook reach a local process.
		"--service-cluster-ip-range=10.96.0.0/12",
		"--tls-cert-file=" + keys.file("apiserver.crt"), "--tls-private-key-file=" + keys.file("apiserver.key"),
		"--client-ca-file=" + keys.file("ca.crt"), "--token-auth-file=" + p.path("tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + keys.file("sa.key"), "--service-account-signing-key-file=" + keys.file("sa.key"),
		"--requestheader-client-ca-file=" + keys.file("ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + keys.file("front-proxy.crt"), "--proxy-client-key-file=" + keys.file("front-proxy.key"),
		// No 429 from the server itself; a test that wants one sets its own flags by --arg.
		"--enable-priority-and-fairness=false",
		"--max-requests-inflight=3000", "--max-mutating-requests-inflight=3000",
		// The node proxy refuses loopback addresses, so kubelets have addresses of their own and the
		// way to them leads through egress.go.
		"--egress-selector-config-file=" + p.path("egress.yaml"), "--kubelet-preferred-address-types=InternalIP",
		"--event-ttl=10m", "--profiling=false",
	}
	if p.audit {
		args = append(args, "--audit-policy-file="+p.path("audit-policy.yaml"), "--audit-log-path="+p.path("audit.log"),
			"--audit-log-maxsize=4000") // MB; a test reads one file, so it must not rotate
	}
	return component{nameAPIServer, args, p.server + "/readyz"}
}

// observed makes a component's health and metrics readable without a token.
const observed = "--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics"

func (p *plan) controllers(keys *pki) component {
	config := p.path("kcm.kubeconfig")
	return component{nameControllers, []string{
		"--kubeconfig=" + config, "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config, observed,
		"--bind-address=127.0.0.1", "--secure-port=" + p.kcmPort,
		"--tls-cert-file=" + keys.file("local.crt"), "--tls-private-key-file=" + keys.file("local.key"),
		"--leader-elect=false", "--controllers=*", "--profiling=false", "--controller-start-interval=0s",
		"--service-account-private-key-file=" + keys.file("sa.key"), "--root-ca-file=" + keys.file("ca.crt"),
		"--cluster-signing-cert-file=" + keys.file("ca.crt"), "--cluster-signing-key-file=" + keys.file("ca.key"),
		"--use-service-account-credentials=false",
		// The default of 20 requests a second would mean 20 pods a second.
		fmt.Sprintf("--kube-api-qps=%d", p.qps), fmt.Sprintf("--kube-api-burst=%d", p.qps),
		"--concurrent-replicaset-syncs=10", "--concurrent-deployment-syncs=10", "--concurrent-gc-syncs=10",
		"--node-monitor-grace-period=" + p.grace, "--node-monitor-period=1s",
		"--horizontal-pod-autoscaler-sync-period=2s", "--pvclaimbinder-sync-period=1s",
	}, "https://127.0.0.1:" + p.kcmPort + "/healthz"}
}

func (p *plan) scheduler(keys *pki) component {
	config := p.path("scheduler.kubeconfig")
	return component{nameScheduler, []string{
		"--config=" + p.path("scheduler.yaml"), "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config, observed,
		"--bind-address=127.0.0.1", "--secure-port=" + p.schedulerPort,
		"--tls-cert-file=" + keys.file("local.crt"), "--tls-private-key-file=" + keys.file("local.key"),
	}, "https://127.0.0.1:" + p.schedulerPort + "/readyz"}
}

func (p *plan) fakelet(keys *pki) component {
	return component{nameFakelet, []string{
		"--kubeconfig=" + p.path("fakelet.kubeconfig"), "--lease-interval=" + p.lease, "--socket=" + p.fakeletSocket(),
		"--tls-cert=" + keys.file("local.crt"), "--tls-key=" + keys.file("local.key"), fmt.Sprintf("--metrics-api=%v", p.metricsAPI),
	}, ""}
}

func (p *plan) writeConfigs() error {
	files := map[string]string{
		"scheduler.yaml":    p.schedulerConfig(),
		"audit-policy.yaml": auditPolicy,
		"egress.yaml":       fmt.Sprintf(egressConfig, p.egressSocket()),
	}
	for name, text := range files {
		if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) schedulerConfig() string {
	text := fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: %q, qps: %d, burst: %[2]d, contentType: application/vnd.kubernetes.protobuf}
parallelism: 4
podInitialBackoffSeconds: 1
podMaxBackoffSeconds: 2
`, p.path("scheduler.kubeconfig"), p.qps)
	if p.defaultScheduling {
		return text
	}
	// Both touch scoring only, never feasibility: fewer nodes are compared, and there is no default
	// (ScheduleAnyway) spreading, which is half of the scheduler's CPU time.
	return text + `percentageOfNodesToScore: 10
profiles:
- schedulerName: default-scheduler
  pluginConfig:
  - name: PodTopologySpread
    args: {apiVersion: kubescheduler.config.k8s.io/v1, kind: PodTopologySpreadArgs, defaultingType: List}
`
}

// Every write of anyone, so that "X changed nothing" can be asserted; of the reads only those of
// service accounts, whose number is a budget under test. The cluster's own reads would drown it.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, verbs: [create, update, patch, delete, deletecollection]}
- {level: Metadata, userGroups: ["system:serviceaccounts"]}
- {level: None}
`

const egressConfig = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection: {proxyProtocol: HTTPConnect, transport: {uds: {udsName: %q}}}
`
