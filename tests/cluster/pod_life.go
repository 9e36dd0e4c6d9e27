// What the fakelet does for a bound Pod: Running and Ready, then Succeeded if it is to end, and gone
// once deleted. Containers never crash, and the kubelet's own admission (OutOfcpu) does not happen.
package main

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

func (f *fakelet) syncPod(ctx context.Context, key string) (time.Duration, error) {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return 0, nil
	}
	p, err := f.pods.Pods(namespace).Get(name)
	if err != nil {
		return 0, nil // gone
	}
	n, err := f.nodes.Get(p.Spec.NodeName)
	if err != nil {
		if _, reap := f.removed.Load(p.Spec.NodeName); reap {
			return 0, f.remove(ctx, p)
		}
		return 0, nil // a pod that waits for its node to be created
	}
	if !f.plays(n) {
		return 0, nil // no kubelet: the pod waits for the garbage collector
	}
	if p.DeletionTimestamp != nil {
		if wait := stopping(p); wait > 0 {
			return wait, nil
		}
		return 0, f.remove(ctx, p)
	}
	switch p.Status.Phase {
	case v1.PodSucceeded, v1.PodFailed:
		return 0, nil
	case v1.PodRunning:
		if p.Annotations[annRunFor] == "" || p.Status.StartTime == nil {
			return 0, nil
		}
		if wait := left(p.Annotations, annRunFor, p.Status.StartTime.Time); wait > 0 {
			return wait, nil
		}
		return 0, f.report(ctx, p, n, v1.PodSucceeded)
	}
	if wait := left(p.Annotations, annStartAfter, boundAt(p)); wait > 0 {
		return wait, nil
	}
	return 0, f.report(ctx, p, n, v1.PodRunning)
}

// stopping says how long a deleted pod still takes to end.
func stopping(p *v1.Pod) time.Duration {
	grace := time.Duration(0)
	if p.DeletionGracePeriodSeconds != nil {
		grace = time.Duration(*p.DeletionGracePeriodSeconds) * time.Second
	}
	asked := p.DeletionTimestamp.Add(-grace)
	return min(left(p.Annotations, annStopAfter, asked), max(0, time.Until(p.DeletionTimestamp.Time)))
}

func boundAt(p *v1.Pod) time.Time {
	for _, c := range p.Status.Conditions {
		if c.Type == v1.PodScheduled && c.Status == v1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return p.CreationTimestamp.Time
}

func (f *fakelet) remove(ctx context.Context, p *v1.Pod) error {
	now := int64(0)
	err := f.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &p.UID}})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // gone, or another pod of that name
		return nil
	}
	return err
}

// report writes the pod's status as a whole: an update in protobuf costs the API server about half of
// what a JSON patch does.
func (f *fakelet) report(ctx context.Context, p *v1.Pod, n *v1.Node, phase v1.PodPhase) error {
	now := metav1.Now()
	ready := v1.ConditionFalse
	if phase == v1.PodRunning {
		ready = v1.ConditionTrue
	}
	status := v1.PodStatus{Phase: phase, QOSClass: p.Status.QOSClass, ObservedGeneration: p.Generation, HostIP: addressOf(n), PodIP: fakeIP(string(p.UID)), StartTime: p.Status.StartTime}
	if status.HostIP == "" {
		status.HostIP = fakeIP(n.Name) // the node's own status is about to be written
	}
	if p.Spec.HostNetwork {
		status.PodIP = status.HostIP
	}
	status.HostIPs, status.PodIPs = []v1.HostIP{{IP: status.HostIP}}, []v1.PodIP{{IP: status.PodIP}}
	if status.StartTime == nil {
		status.StartTime = &now
	}
	for _, c := range p.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, containerStatus(p, c, phase, *status.StartTime, now))
	}
	for _, c := range p.Status.Conditions {
		if c.Type == v1.PodScheduled {
			status.Conditions = append(status.Conditions, c)
		}
	}
	for kind, value := range map[v1.PodConditionType]v1.ConditionStatus{v1.PodInitialized: v1.ConditionTrue, v1.ContainersReady: ready, v1.PodReady: ready} {
		status.Conditions = append(status.Conditions, v1.PodCondition{Type: kind, Status: value, LastTransitionTime: now})
	}
	changed := p.DeepCopy()
	changed.Status = status
	_, err := f.client.CoreV1().Pods(p.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	return err
}

func containerStatus(p *v1.Pod, c v1.Container, phase v1.PodPhase, started, now metav1.Time) v1.ContainerStatus {
	running := phase == v1.PodRunning
	status := v1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: c.Image, ContainerID: "fake://" + string(p.UID) + "/" + c.Name, Ready: running, Started: &running}
	if running {
		status.State.Running = &v1.ContainerStateRunning{StartedAt: now}
	} else {
		status.State.Terminated = &v1.ContainerStateTerminated{Reason: "Completed", StartedAt: started, FinishedAt: now}
	}
	return status
}
