// Starting, awaiting, stopping and restarting the component processes, and the state file that
// tells a test about them. Every fork happens on the thread that called newSupervisor. It does not
// know what the components do.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// state is DIR/state.json.
type state struct {
	Server     string         `json:"server"`
	Kubeconfig string         `json:"kubeconfig"`
	CACert     string         `json:"caCert"`
	CAKey      string         `json:"caKey"`
	Etcd       string         `json:"etcd"`
	AuditLog   string         `json:"auditLog,omitempty"`
	Supervisor int            `json:"supervisor"`
	Pids       map[string]int `json:"pids"`    // without those stopped by command
	ReadyMS    map[string]int `json:"readyMs"` // since the start of `up`
}

type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has been reaped
}

type death struct {
	name string
	pid  int
	err  error
}

type supervisor struct {
	plan    *plan
	opts    *options
	all     []component
	state   state
	start   time.Time
	client  *http.Client
	running map[string]*process
	died    chan death
}

func newSupervisor(p *plan, keys *pki, all []component, o *options, start time.Time) (*supervisor, error) {
	admin, err := tls.LoadX509KeyPair(keys.file("admin.crt"), keys.file("admin.key"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(keys.caCert)
	s := &supervisor{plan: p, opts: o, all: all, start: start, running: map[string]*process{}, died: make(chan death, 64),
		state: state{Server: p.server, Kubeconfig: p.path("kubeconfig"), CACert: keys.file("ca.crt"), CAKey: keys.file("ca.key"),
			Etcd: p.etcd, Supervisor: os.Getpid(), Pids: map[string]int{}, ReadyMS: map[string]int{}},
		client: &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{admin}}}}}
	if p.audit {
		s.state.AuditLog = p.path("audit.log")
	}
	return s, nil
}

// startAll starts each component once those it needs answer, and returns when pods can be created.
func (s *supervisor) startAll() error {
	deadline := time.Now().Add(s.opts.timeout)
	wanted := strings.Split(s.opts.only, ",")
	var later []component
	for _, c := range s.all {
		if !slices.Contains(wanted, c.name) {
			continue
		}
		if err := s.spawn(c); err != nil {
			return err
		}
		if c.name != nameEtcd && c.name != nameAPIServer {
			later = append(later, c) // nothing is started after these that needs them
			continue
		}
		if err := s.await(c, deadline); err != nil {
			return err
		}
	}
	if slices.Contains(wanted, nameControllers) {
		later = append(later, component{name: "default-serviceaccount", health: s.plan.server + "/api/v1/namespaces/default/serviceaccounts/default"})
	}
	for _, c := range later {
		if err := s.await(c, deadline); err != nil {
			return err
		}
	}
	return s.save()
}

// run serves deaths, commands and signals until told to end.
func (s *supervisor) run() error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	var commands chan string // nil, so never ready, without --stdin
	if s.opts.stdin {
		commands = readCommands(os.Stdin)
	}
	for {
		select {
		case <-signals:
			return nil
		case line, open := <-commands:
			if !open || line == "quit" {
				return nil
			}
			fmt.Println(s.answer(line))
		case d := <-s.died:
			if err := s.onDeath(d); err != nil {
				return err
			}
		}
	}
}

func (s *supervisor) onDeath(d death) error {
	if p := s.running[d.name]; p == nil || p.cmd.Process.Pid != d.pid {
		return nil // stopped by command
	}
	if !s.opts.restart {
		return s.obituary(d)
	}
	time.Sleep(100 * time.Millisecond)
	if err := s.spawn(*find(s.all, d.name)); err != nil {
		return err
	}
	return s.save()
}

func (s *supervisor) obituary(d death) error {
	return fmt.Errorf("%s died: %v, see %s", d.name, d.err, s.plan.path("log", d.name+".log"))
}

func (s *supervisor) spawn(c component) error {
	log, err := os.OpenFile(s.plan.path("log", c.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("/proc/self/exe", append([]string{c.name}, c.args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	p := &process{cmd, make(chan struct{})}
	s.running[c.name], s.state.Pids[c.name] = p, cmd.Process.Pid
	go func() {
		err := cmd.Wait()
		close(p.done)
		s.died <- death{c.name, cmd.Process.Pid, err}
	}()
	return nil
}

// stop kills a component and forgets it, so that its end is no failure.
func (s *supervisor) stop(name string) {
	p := s.running[name]
	delete(s.running, name)
	delete(s.state.Pids, name)
	_ = p.cmd.Process.Kill()
	<-p.done
}

// killAll kills clients first and etcd last, and waits for each, so that none is left when this ends.
func (s *supervisor) killAll() {
	for _, c := range slices.Backward(s.all) {
		if s.running[c.name] != nil {
			s.stop(c.name)
		}
	}
}

func (s *supervisor) await(c component, deadline time.Time) error {
	if c.health == "" {
		return nil
	}
	for {
		err := s.get(c.health)
		if err == nil {
			s.state.ReadyMS[c.name] = int(time.Since(s.start).Milliseconds())
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready: %w", c.name, err)
		}
		select {
		case <-time.After(25 * time.Millisecond):
		case d := <-s.died:
			p := s.running[d.name]
			if d.name == c.name && p != nil && p.cmd.Process.Pid == d.pid {
				return s.obituary(d) // it would not become ready by dying again
			}
			if err := s.onDeath(d); err != nil {
				return err
			}
		}
	}
}

func (s *supervisor) get(url string) error {
	r, err := s.client.Get(url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(r.Body, 2000))
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", url, r.Status, body)
	}
	return nil
}

// save replaces state.json as a whole: a reader never sees half of it.
func (s *supervisor) save() error {
	text, err := json.MarshalIndent(s.state, "", "  ")
	if err != nil {
		return err
	}
	temporary := s.plan.path("state.json.tmp")
	if err := os.WriteFile(temporary, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, s.plan.path("state.json"))
}
