// The kubelets' HTTPS endpoints, all on one unix socket: the egress proxy hands each connection over
// with the address it was meant for, and the node with that address answers. Serves /metrics/resource
// and /healthz; no logs, no exec, no /stats/summary. Nothing is authenticated: only the API server
// and this user can reach the socket.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"plimsoll.io/testcluster/load"
)

// A node's counters are kept up to date each second for this long after it was last scraped; later
// they are made up at the rate of the day.
const attention = 3 * time.Minute

type addressKey struct{}

func (f *fakelet) serveKubelets(ctx context.Context, o *fakeletOptions) error {
	cert, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return err
	}
	_ = os.Remove(o.socket)
	socket, err := net.Listen("unix", o.socket)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("/metrics/resource", f.serveMetrics)
	if o.metricsAPI {
		f.handleMetricsAPI(mux)
		if err := f.registerMetricsAPI(ctx); err != nil {
			return err
		}
	}
	server := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.guard(mux, w, r) }),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, addressKey{}, meantFor(c))
		},
	}
	go func() {
		if err := server.ServeTLS(&handover{socket}, "", ""); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "kubelet endpoint:", err)
			os.Exit(1)
		}
	}()
	go f.integrate(ctx)
	return nil
}

// handover accepts connections that begin with a line naming their target.
type handover struct{ net.Listener }

type namedConn struct {
	net.Conn
	address string
}

func (h *handover) Accept() (net.Conn, error) {
	for {
		conn, err := h.Listener.Accept()
		if err != nil {
			return nil, err
		}
		// The proxy is our own and writes the line at once; no need to read it elsewhere.
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		address, err := readLine(conn)
		if err != nil {
			conn.Close()
			continue
		}
		_ = conn.SetReadDeadline(time.Time{})
		return &namedConn{conn, address}, nil
	}
}

// readLine takes one byte at a time: what follows the line belongs to TLS.
func readLine(conn net.Conn) (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := conn.Read(b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
}

func meantFor(c net.Conn) string {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if n, ok := c.(*namedConn); ok {
		return n.address
	}
	return ""
}

// guard lets only living nodes (and the metrics API) answer: a dead machine drops the connection.
func (f *fakelet) guard(next http.Handler, w http.ResponseWriter, r *http.Request) {
	address, _ := r.Context().Value(addressKey{}).(string)
	if address == metricsHost {
		next.ServeHTTP(w, r)
		return
	}
	n := f.nodeAt(address)
	if n == nil || !f.plays(n) {
		panic(http.ErrAbortHandler)
	}
	next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), addressKey{}, n)))
}

func (f *fakelet) nodeAt(address string) *v1.Node {
	nodes, _ := f.nodes.List(labels.Everything()) // cannot fail
	for _, n := range nodes {
		if addressOf(n) == address {
			return n
		}
	}
	return nil
}

func (f *fakelet) serveMetrics(w http.ResponseWriter, r *http.Request) {
	n, ok := r.Context().Value(addressKey{}).(*v1.Node)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if n.Annotations[annMetricsFail] == "true" {
		http.Error(w, "metrics-fail is set", http.StatusServiceUnavailable)
		return
	}
	now := time.Now()
	f.watched.Store(n.Name, now)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_ = load.Write(w, f.read(n, now), now) // the scraper went away
}

// integrate keeps the counters of scraped nodes current, so that a change of load counts from the
// second in which it happened.
func (f *fakelet) integrate(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-time.After(time.Second):
			f.watched.Range(func(name, last any) bool {
				n, err := f.nodes.Get(name.(string))
				if err == nil && f.plays(n) && now.Sub(last.(time.Time)) < attention {
					f.read(n, now)
				}
				return true
			})
		}
	}
}

func (f *fakelet) read(n *v1.Node, now time.Time) load.NodeCounters {
	var running []load.Running
	for _, p := range f.podsOn(n.Name) {
		if p.Status.Phase == v1.PodRunning {
			running = append(running, load.Running{Pod: p, Group: f.groupShare(p)})
		}
	}
	return f.meter.Read(n, running, now)
}

func groupKey(p *v1.Pod) string {
	if group := p.Annotations[load.AnnGroup]; group != "" {
		return p.Namespace + "/" + group
	}
	return ""
}

// groupShare is what one of the group's running pods has to carry; negative where there is no group.
func (f *fakelet) groupShare(p *v1.Pod) float64 {
	key := groupKey(p)
	if key == "" {
		return -1
	}
	namespace, err := f.namespaces.Get(p.Namespace)
	if err != nil {
		return -1
	}
	total, err := parseMilli(namespace.Annotations[load.GroupPrefix+p.Annotations[load.AnnGroup]])
	if err != nil {
		return -1
	}
	members, _ := f.podIndex.ByIndex(byGroup, key)
	running := 0
	for _, o := range members {
		if m := o.(*v1.Pod); m.Status.Phase == v1.PodRunning && m.DeletionTimestamp == nil {
			running++
		}
	}
	return total / float64(max(1, running))
}
