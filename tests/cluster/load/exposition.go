// The text of a kubelet's /metrics/resource: the same names, labels and millisecond timestamps. No
// swap, no volume and no histogram metrics; see load.go for where the values come from.
package load

import (
	"bufio"
	"fmt"
	"io"
	"time"
)

// Write prints the counters as a kubelet would.
func Write(w io.Writer, node NodeCounters, now time.Time) error {
	out := bufio.NewWriter(w)
	at := now.UnixMilli()
	family := func(name, kind, help string) {
		fmt.Fprintf(out, "# HELP %s [STABLE] %s\n# TYPE %[1]s %[3]s\n", name, help, kind)
	}
	perContainer := func(name, kind, help string, value func(PodCounters, Counter) string) {
		family(name, kind, help)
		for _, p := range node.Pods {
			for _, c := range p.Containers {
				fmt.Fprintf(out, "%s{container=%q,namespace=%q,pod=%q} %s %d\n", name, c.Name, p.Namespace, p.Name, value(p, c), at)
			}
		}
	}
	perPod := func(name, kind, help string, value func(Counter) float64) {
		family(name, kind, help)
		for _, p := range node.Pods {
			sum := 0.0
			for _, c := range p.Containers {
				sum += value(c)
			}
			fmt.Fprintf(out, "%s{namespace=%q,pod=%q} %s %d\n", name, p.Namespace, p.Name, decimal(sum), at)
		}
	}
	seconds := func(c Counter) float64 { return c.Seconds }
	bytes := func(c Counter) float64 { return float64(c.Bytes) }
	perContainer("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the container in core-seconds",
		func(_ PodCounters, c Counter) string { return decimal(c.Seconds) })
	perContainer("container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes",
		func(_ PodCounters, c Counter) string { return decimal(float64(c.Bytes)) })
	perContainer("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds",
		func(p PodCounters, _ Counter) string { return decimal(float64(p.Start.Unix())) })
	family("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds")
	fmt.Fprintf(out, "node_cpu_usage_seconds_total %s %d\n", decimal(node.Seconds), at)
	family("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes")
	fmt.Fprintf(out, "node_memory_working_set_bytes %d %d\n", node.Bytes, at)
	perPod("pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod in core-seconds", seconds)
	perPod("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes", bytes)
	family("resource_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise")
	fmt.Fprintln(out, "resource_scrape_error 0")
	return out.Flush()
}

// decimal prints like the Prometheus client: 0.25, 4.710169, 6.7108864e+07.
func decimal(v float64) string { return fmt.Sprintf("%v", v) }
