// metrics.k8s.io from the fakelet (`up --metrics-api`): the rates of load/load.go as the metrics API
// shows them, enough for `kubectl top` and the HorizontalPodAutoscaler. Rates are of now, not means
// over a window; no watch, no paging, no Table form.
package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	metrics "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"plimsoll.io/testcluster/load"
)

// The egress proxy hands connections to this name to the fakelet, as it does for nodes.
const (
	metricsHost = "metrics.fakelet"
	metricsRoot = "/apis/metrics.k8s.io/v1beta1"
)

// registerMetricsAPI sends the group to us by a Service without pods.
func (f *fakelet) registerMetricsAPI(ctx context.Context) error {
	service := &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: "fakelet-metrics", Namespace: metav1.NamespaceSystem},
		Spec: v1.ServiceSpec{Type: v1.ServiceTypeExternalName, ExternalName: metricsHost}}
	if _, err := f.client.CoreV1().Services(service.Namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	object := `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1beta1.metrics.k8s.io"},"spec":{
		"group":"metrics.k8s.io","version":"v1beta1","groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,
		"service":{"namespace":"kube-system","name":"fakelet-metrics","port":443}}}`
	err := f.client.CoreV1().RESTClient().Post().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices").
		SetHeader("Content-Type", "application/json").Body([]byte(object)).Do(ctx).Error()
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (f *fakelet) handleMetricsAPI(mux *http.ServeMux) {
	mux.HandleFunc("GET "+metricsRoot, func(w http.ResponseWriter, _ *http.Request) {
		verbs := metav1.Verbs{"get", "list"}
		answer(w, &metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "metrics.k8s.io/v1beta1", APIResources: []metav1.APIResource{
			{Name: "nodes", SingularName: "node", Kind: "NodeMetrics", Verbs: verbs},
			{Name: "pods", SingularName: "pod", Kind: "PodMetrics", Namespaced: true, Verbs: verbs},
		}})
	})
	mux.HandleFunc("GET "+metricsRoot+"/nodes", func(w http.ResponseWriter, r *http.Request) { f.listNodes(w, r) })
	mux.HandleFunc("GET "+metricsRoot+"/nodes/{name}", func(w http.ResponseWriter, r *http.Request) {
		n, err := f.nodes.Get(r.PathValue("name"))
		if err != nil || !f.plays(n) {
			notFound(w, "nodes", r.PathValue("name"))
			return
		}
		answer(w, f.nodeMetrics(n))
	})
	mux.HandleFunc("GET "+metricsRoot+"/pods", f.listPods)
	mux.HandleFunc("GET "+metricsRoot+"/namespaces/{namespace}/pods", f.listPods)
	mux.HandleFunc("GET "+metricsRoot+"/namespaces/{namespace}/pods/{name}", func(w http.ResponseWriter, r *http.Request) {
		p, err := f.pods.Pods(r.PathValue("namespace")).Get(r.PathValue("name"))
		if err != nil || p.Status.Phase != v1.PodRunning {
			notFound(w, "pods", r.PathValue("name"))
			return
		}
		answer(w, f.podMetrics(p))
	})
}

func (f *fakelet) listNodes(w http.ResponseWriter, r *http.Request) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	list := metrics.NodeMetricsList{TypeMeta: typeMeta("NodeMetricsList"), Items: []metrics.NodeMetrics{}}
	nodes, _ := f.nodes.List(selector)
	for _, n := range nodes {
		if f.plays(n) {
			list.Items = append(list.Items, *f.nodeMetrics(n))
		}
	}
	answer(w, &list)
}

func (f *fakelet) listPods(w http.ResponseWriter, r *http.Request) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	list := metrics.PodMetricsList{TypeMeta: typeMeta("PodMetricsList"), Items: []metrics.PodMetrics{}}
	pods, _ := f.pods.Pods(r.PathValue("namespace")).List(selector) // an empty namespace means all
	for _, p := range pods {
		if p.Status.Phase == v1.PodRunning {
			list.Items = append(list.Items, *f.podMetrics(p))
		}
	}
	answer(w, &list)
}

func (f *fakelet) nodeMetrics(n *v1.Node) *metrics.NodeMetrics {
	use := f.read(n, time.Now()).Use
	return &metrics.NodeMetrics{TypeMeta: typeMeta("NodeMetrics"), ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels},
		Timestamp: metav1.Now(), Window: window, Usage: usage(use)}
}

func (f *fakelet) podMetrics(p *v1.Pod) *metrics.PodMetrics {
	out := &metrics.PodMetrics{TypeMeta: typeMeta("PodMetrics"), ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace, Labels: p.Labels},
		Timestamp: metav1.Now(), Window: window}
	for _, c := range load.Of(p, f.groupShare(p)) {
		out.Containers = append(out.Containers, metrics.ContainerMetrics{Name: c.Name, Usage: usage(c.Use)})
	}
	return out
}

var window = metav1.Duration{Duration: 10 * time.Second}

func usage(u load.Use) v1.ResourceList {
	return v1.ResourceList{
		v1.ResourceCPU:    *resource.NewScaledQuantity(int64(u.Milli*1e6), resource.Nano),
		v1.ResourceMemory: *resource.NewQuantity(u.Bytes, resource.BinarySI),
	}
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{Kind: kind, APIVersion: "metrics.k8s.io/v1beta1"}
}

func answer(w http.ResponseWriter, object any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object) // the reader went away
}

func notFound(w http.ResponseWriter, kind, name string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	status := apierrors.NewNotFound(metrics.Resource(kind), name).Status()
	_ = json.NewEncoder(w).Encode(&status)
}

func parseMilli(text string) (float64, error) { return strconv.ParseFloat(text, 64) }
