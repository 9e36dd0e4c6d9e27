// Tests of the arithmetic: default use, annotations, shares of a group, and counters over time.
package load

import (
	"math"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var epoch = time.Unix(1_700_000_000, 0)

func pod(annotations map[string]string, milli ...int64) *v1.Pod {
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "p", Annotations: annotations}}
	start := metav1.NewTime(epoch)
	p.Status.StartTime = &start
	for i, m := range milli {
		p.Spec.Containers = append(p.Spec.Containers, v1.Container{Name: string(rune('a' + i)), Resources: v1.ResourceRequirements{
			Requests: v1.ResourceList{v1.ResourceCPU: *resource.NewMilliQuantity(m, resource.DecimalSI), v1.ResourceMemory: resource.MustParse("64Mi")}}})
	}
	return p
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6 {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestOf(t *testing.T) {
	plain := Of(pod(nil, 300, 100), -1)
	near(t, "a tenth of the request", plain[0].Milli, 30)
	near(t, "half of the memory", float64(plain[0].Bytes), 32<<20)
	near(t, "split by request", Of(pod(map[string]string{AnnCPU: "800"}, 300, 100), -1)[0].Milli, 600)
	near(t, "no request: even", Of(pod(map[string]string{AnnCPU: "800"}, 0, 0), -1)[1].Milli, 400)
	near(t, "group share", Of(pod(nil, 100), 250)[0].Milli, 250)
	near(t, "own annotation wins", Of(pod(map[string]string{AnnCPU: "70"}, 100), 250)[0].Milli, 70)
	near(t, "nonsense is ignored", Of(pod(map[string]string{AnnCPU: "lots"}, 100), -1)[0].Milli, 10)
}

func TestCounters(t *testing.T) {
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{UID: "n", CreationTimestamp: metav1.NewTime(epoch)}}
	m, p := NewMeter(), pod(map[string]string{AnnCPU: "500"}, 100)
	first := m.Read(node, []Running{{p, -1}}, epoch.Add(10*time.Second))
	near(t, "from its start", first.Pods[0].Containers[0].Seconds, 5)
	p.Annotations[AnnCPU] = "2000"
	second := m.Read(node, []Running{{p, -1}}, epoch.Add(20*time.Second))
	near(t, "the new rate from then on", second.Pods[0].Containers[0].Seconds, 25)
	near(t, "the node's own use is in it", second.Seconds, 25+20*nodeMilli/1000)
	third := m.Read(node, nil, epoch.Add(20*time.Second))
	near(t, "the node keeps what a gone pod spent", third.Seconds, second.Seconds)
	if len(third.Pods) != 0 {
		t.Error("a gone pod is still listed")
	}
	var text strings.Builder
	if err := Write(&text, second, epoch.Add(20*time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`container_cpu_usage_seconds_total{container="a",namespace="shop",pod="web"} 25 1700000020000`,
		`pod_memory_working_set_bytes{namespace="shop",pod="web"} 3.3554432e+07 1700000020000`,
		`# TYPE node_cpu_usage_seconds_total counter`,
	} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("missing: %s in\n%s", line, &text)
		}
	}
}
