// Commands on standard input, by which a test breaks its cluster: one line each, answered by one
// line, "OK ..." or "ERR ...". They act on whole components; finer faults are annotations of the
// fakelet, or the test's own proxy.
//
//	stop NAME...     kill it; connections to it are refused until it is started again
//	start NAME...    start it with the same flags and port; answers once it is ready
//	restart NAME...  both
//	pause NAME...    SIGSTOP: connections are accepted and hang
//	resume NAME...   SIGCONT
//	quit             end, as closing standard input does
//
// After a minute without API server the other components try it again only every half minute, as real
// ones do. Where a test cannot wait: restart controller-manager scheduler fakelet.
package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"
)

func readCommands(in io.Reader) chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			if line := strings.TrimSpace(scanner.Text()); line != "" {
				lines <- line
			}
		}
	}()
	return lines
}

func (s *supervisor) answer(line string) string {
	start := time.Now()
	if err := s.command(strings.Fields(line)); err != nil {
		return "ERR " + strings.ReplaceAll(err.Error(), "\n", " ")
	}
	return fmt.Sprintf("OK %s %.1fs", line, time.Since(start).Seconds())
}

func (s *supervisor) command(words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("want: stop|start|restart|pause|resume NAME..., or quit")
	}
	for _, name := range words[1:] {
		c := find(s.all, name)
		if c == nil {
			return fmt.Errorf("no component %q", name)
		}
		if err := s.control(words[0], *c); err != nil {
			return err
		}
	}
	return s.save()
}

func (s *supervisor) control(verb string, c component) error {
	running := s.running[c.name]
	if (running == nil) != (verb == "start") {
		return fmt.Errorf("cannot %s %s: running is %v", verb, c.name, running != nil)
	}
	switch verb {
	case "stop":
		s.stop(c.name)
		return nil
	case "start":
		return s.startOne(c)
	case "restart":
		s.stop(c.name)
		return s.startOne(c)
	case "pause":
		return running.cmd.Process.Signal(syscall.SIGSTOP)
	case "resume":
		return running.cmd.Process.Signal(syscall.SIGCONT)
	default:
		return fmt.Errorf("unknown command %q", verb)
	}
}

func (s *supervisor) startOne(c component) error {
	if err := s.spawn(c); err != nil {
		return err
	}
	return s.await(c, time.Now().Add(s.opts.timeout))
}
