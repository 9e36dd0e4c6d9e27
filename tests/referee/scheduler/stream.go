package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
)

// job is one line and the place where its verdict is awaited.
type job struct {
	line []byte
	done chan answer
}

// serve answers every line of in, in order, with several cases under way at once. Output is flushed whenever
// nobody else waits, so that a caller in lock-step gets its answer at once.
func serve(in io.Reader, out io.Writer, workers int, all bool) error {
	jobs, order := make(chan job, 256), make(chan job, 256)
	for range max(workers, 1) {
		s, err := newScheduler()
		if err != nil {
			return err
		}
		go func() {
			for j := range jobs {
				j.done <- reply(s, j.line, all)
			}
		}()
	}
	go read(in, jobs, order)

	buffered := bufio.NewWriterSize(out, 1<<20)
	encoder := json.NewEncoder(buffered)
	for j := range order {
		if err := encoder.Encode(<-j.done); err != nil {
			return err
		}
		if len(order) == 0 {
			if err := buffered.Flush(); err != nil {
				return err
			}
		}
	}
	return buffered.Flush()
}

func read(in io.Reader, jobs, order chan<- job) {
	defer close(order)
	defer close(jobs)
	lines := bufio.NewReaderSize(in, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			j := job{line, make(chan answer, 1)}
			order <- j
			jobs <- j
		}
		if err != nil {
			return
		}
	}
}
