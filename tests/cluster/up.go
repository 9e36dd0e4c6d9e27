// The commands `up` and `down`: flags, ports, and the order of starting. The processes are
// supervisor.go's, their command lines components.go's, commands on standard input control.go's.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, " ") }
func (r *repeated) Set(v string) error { *r = append(*r, v); return nil }

type options struct {
	restart, stdin bool
	only           string
	timeout        time.Duration
	extra          repeated
}

func parseUp(args []string) (*plan, *options, error) {
	p, o := &plan{}, &options{}
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	flags.StringVar(&p.dir, "dir", "", "folder for everything: keys, data, logs, kubeconfig, state.json")
	flags.StringVar(&o.only, "components", "etcd,kube-apiserver,kube-controller-manager,kube-scheduler,fakelet", "what to start")
	flags.BoolVar(&o.stdin, "stdin", false, "take commands on standard input, and stop when it closes")
	flags.BoolVar(&o.restart, "restart", false, "restart a component that dies")
	flags.DurationVar(&o.timeout, "timeout", 90*time.Second, "how long to wait for READY")
	flags.Var(&o.extra, "arg", "extra flag for one component, as NAME=--flag=value; repeatable, wins over the default")
	flags.BoolVar(&p.audit, "audit", true, "write DIR/audit.log: all writes, and the reads of service accounts")
	flags.BoolVar(&p.metricsAPI, "metrics-api", false, "serve metrics.k8s.io from the fakelet")
	flags.BoolVar(&p.fsync, "fsync", false, "let etcd flush to disk")
	flags.StringVar(&p.grace, "node-grace", "1h", "how long a silent node stays Ready (kubernetes' default is 50s)")
	flags.StringVar(&p.lease, "lease-interval", "0s", "how often the fakelet renews node leases; 0: never")
	flags.IntVar(&p.qps, "qps", 5000, "client QPS of scheduler and controller manager")
	flags.BoolVar(&p.defaultScheduling, "default-scheduling", false, "keep the scheduler's own scoring effort; feasibility is the same either way")
	_ = flags.Parse(args)
	if p.dir == "" {
		return nil, nil, errors.New("--dir is required")
	}
	abs, err := filepath.Abs(p.dir)
	p.dir, p.sockets = abs, abs
	return p, o, err
}

func runUp(args []string) error {
	start := time.Now()
	p, o, err := parseUp(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.path("log"), 0o700); err != nil {
		return err
	}
	if len(p.dir) > 80 { // a socket's path may have 107 bytes
		if p.sockets, err = os.MkdirTemp("", "testcluster"); err != nil {
			return err
		}
		defer os.RemoveAll(p.sockets)
	}
	keys, err := p.prepare()
	if err != nil {
		return err
	}
	all := p.components(keys)
	if err := addExtra(all, o.extra); err != nil {
		return err
	}
	proxy, err := listenEgress(p.egressSocket(), p.fakeletSocket())
	if err != nil {
		return err
	}
	defer proxy.Close()

	// Children die with this process: the death signal belongs to the thread that forks, so every
	// fork happens on this one locked thread.
	runtime.LockOSThread()
	s, err := newSupervisor(p, keys, all, o, start)
	if err != nil {
		return err
	}
	defer s.killAll()
	if err := s.startAll(); err != nil {
		return err
	}
	fmt.Printf("READY %s %s\n", time.Since(start).Round(100*time.Millisecond), p.path("kubeconfig"))
	return s.run()
}

// prepare decides addresses and writes every file that the components read.
func (p *plan) prepare() (*pki, error) {
	ports, err := freePorts(5)
	if err != nil {
		return nil, err
	}
	p.etcd, p.etcdPeer = "127.0.0.1:"+ports[0], "127.0.0.1:"+ports[1]
	p.apiPort, p.kcmPort, p.schedulerPort = ports[2], ports[3], ports[4]
	p.server = "https://127.0.0.1:" + p.apiPort
	keys, err := newPKI(p.path("pki"))
	if err != nil {
		return nil, err
	}
	if err := keys.issueAll(); err != nil {
		return nil, err
	}
	if err := keys.issueTokens(p.dir, p.server); err != nil {
		return nil, err
	}
	return keys, p.writeConfigs()
}

// freePorts finds n free loopback ports below the range from which the kernel takes the ports of
// outgoing connections: there, nobody takes the API server's port by chance while it is stopped.
func freePorts(n int) ([]string, error) {
	low := 32768
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if first, err := strconv.Atoi(strings.Fields(string(text))[0]); err == nil && first > 12000 {
			low = first
		}
	}
	var out []string
	for tries := 0; len(out) < n && tries < 1000; tries++ {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(low-10000)))
		if err != nil {
			continue
		}
		defer listener.Close() // all held until the last is found, so that they differ
		out = append(out, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	}
	if len(out) < n {
		return nil, errors.New("no free loopback ports")
	}
	return out, nil
}

func addExtra(all []component, extra []string) error {
	for _, e := range extra {
		name, arg, ok := strings.Cut(e, "=")
		c := find(all, name)
		if !ok || c == nil {
			return fmt.Errorf("--arg %q: want NAME=--flag=value", e)
		}
		c.args = append(c.args, arg)
	}
	return nil
}

// find also takes the names without "kube-".
func find(all []component, name string) *component {
	for i := range all {
		if all[i].name == name || all[i].name == "kube-"+name {
			return &all[i]
		}
	}
	return nil
}

func runDown(args []string) error {
	flags := flag.NewFlagSet("down", flag.ExitOnError)
	dir := flags.String("dir", "", "folder given to up")
	_ = flags.Parse(args)
	text, err := os.ReadFile(filepath.Join(*dir, "state.json"))
	if err != nil {
		return err
	}
	var st state
	if err := json.Unmarshal(text, &st); err != nil {
		return err
	}
	if err := syscall.Kill(st.Supervisor, syscall.SIGTERM); err != nil {
		return err
	}
	for range 200 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", st.Supervisor))
		if err != nil || strings.Contains(string(stat), ") Z ") { // gone, or not yet reaped by its parent
			return nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return fmt.Errorf("supervisor %d still runs", st.Supervisor)
}
