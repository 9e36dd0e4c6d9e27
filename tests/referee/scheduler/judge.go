package main

import (
	"encoding/json"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// reply judges one case. What panics inside a plugin becomes the case's error.
func reply(s *scheduler, line []byte, all bool) (a answer) {
	var q question
	defer func() {
		a.ID = q.ID
		if e := recover(); e != nil {
			a.Error = fmt.Sprint(e)
		}
	}()
	if err := json.Unmarshal(line, &q); err != nil {
		a.Error = err.Error()
		return
	}
	c := admit(&q)
	a.Refused = c.refused
	if len(c.storage) > 0 {
		objects := slices.Clone(c.storage)
		for _, n := range c.namespaces {
			objects = append(objects, kruntime.Object(n))
		}
		own, err := newScheduler(objects...)
		if err != nil {
			a.Error = err.Error()
			return
		}
		defer own.close()
		s = own
	} else if err := s.know(c.namespaces); err != nil {
		a.Error = err.Error()
		return
	}
	s.look(c.placed, c.nodes)
	if q.AnyOrder {
		a.Pods = s.inAnyOrder(&q, c, all)
	} else {
		a.Pods = s.inOrder(&q, c, all)
	}
	return
}

func (s *scheduler) inOrder(q *question, c *cluster, all bool) []judged {
	pods := make([]judged, len(q.Pending))
	for i, p := range q.Pending {
		pods[i] = s.judge(p, all)
		if i < len(q.Bind) && c.known[q.Bind[i]] {
			s.bind(c, p, q.Bind[i])
		}
	}
	return pods
}

// inAnyOrder binds whatever fits its node, round after round, until nothing moves.
func (s *scheduler) inAnyOrder(q *question, c *cluster, all bool) []judged {
	pods := make([]judged, len(q.Pending))
	left := make([]int, len(q.Pending))
	for i := range left {
		left[i] = i
	}
	for moved := true; moved && len(left) > 0; {
		moved = false
		var stuck []int
		for _, i := range left {
			pods[i] = s.judge(q.Pending[i], all)
			if i < len(q.Bind) && slices.Contains(pods[i].Feasible, q.Bind[i]) {
				s.bind(c, q.Pending[i], q.Bind[i])
				moved = true
			} else {
				stuck = append(stuck, i)
			}
		}
		left = stuck
	}
	return pods
}

func (s *scheduler) bind(c *cluster, p *v1.Pod, node string) {
	bound := p.DeepCopy()
	bound.Spec.NodeName = node
	c.placed = append(c.placed, bound)
	s.look(c.placed, c.nodes)
}

func (s *scheduler) judge(pod *v1.Pod, all bool) judged {
	j := judged{Pod: pod.Namespace + "/" + pod.Name, Feasible: []string{}, Rejected: map[string][]objection{}}
	for _, p := range s.framework.PreEnqueuePlugins() {
		if !p.PreEnqueue(s.ctx, pod).IsSuccess() {
			j.Gated = append(j.Gated, p.Name())
		}
	}
	state := framework.NewCycleState()
	pre, status, by := s.framework.RunPreFilterPlugins(s.ctx, state, pod)
	if !status.IsSuccess() {
		j.Everywhere = &objection{Plugin: nameOr(status, by.UnsortedList()), Reasons: status.Reasons(), Early: true}
		return j
	}
	infos, _ := s.picture.NodeInfos().List()
	for _, n := range infos {
		name := n.Node().Name
		if !pre.AllNodes() && !pre.NodeNames.Has(name) {
			j.Rejected[name] = []objection{{Plugin: nameOr(nil, by.UnsortedList()), Early: true}}
		} else if status := s.framework.RunFilterPlugins(s.ctx, state, pod, n); status.IsSuccess() {
			j.Feasible = append(j.Feasible, name)
			continue
		} else {
			j.Rejected[name] = []objection{{Plugin: nameOr(status, nil), Reasons: status.Reasons()}}
		}
		if all {
			j.Rejected[name] = append(j.Rejected[name], s.others(state, pod, n, j.Rejected[name][0].Plugin)...)
		}
	}
	slices.Sort(j.Feasible)
	return j
}

// others lists what objects to a node besides the plugin that came first.
func (s *scheduler) others(state fwk.CycleState, pod *v1.Pod, n fwk.NodeInfo, first string) (more []objection) {
	skip := state.GetSkipFilterPlugins()
	for _, p := range s.filters {
		if p.Name() == first || skip.Has(p.Name()) {
			continue
		}
		if status := p.Filter(s.ctx, state, pod, n); !status.IsSuccess() {
			more = append(more, objection{Plugin: p.Name(), Reasons: status.Reasons()})
		}
	}
	return more
}

// nameOr is the plugin behind a status, else the first of those that may be, else "?".
func nameOr(status *fwk.Status, by []string) string {
	if status != nil && status.Plugin() != "" {
		return status.Plugin()
	}
	if len(by) > 0 {
		slices.Sort(by)
		return by[0]
	}
	return "?"
}
