// The API server's way to kubelets, webhooks and aggregated APIs: an HTTP CONNECT proxy on a unix
// socket. Loopback targets (a test's webhook) are dialled; every other address is taken for a
// node's and handed to the fakelet. Hence nodes can have addresses like real ones, and nothing in
// the cluster can reach past this machine.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func listenEgress(socket, fakelet string) (net.Listener, error) {
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go proxyEgress(conn, fakelet)
		}
	}()
	return listener, nil
}

func proxyEgress(conn net.Conn, fakelet string) {
	defer conn.Close()
	// What the client sends after its request comes only once we have answered, so the buffered
	// reader takes nothing that belongs to the tunnel.
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil || request.Method != http.MethodConnect {
		return
	}
	target, err := dialEgress(request.URL.Host, fakelet)
	if err != nil {
		fmt.Fprint(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		return
	}
	defer target.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{}, 2)
	join := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		done <- struct{}{}
	}
	go join(target, conn)
	go join(conn, target)
	<-done // one end closed; the deferred calls close the other
}

func dialEgress(address, fakelet string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return net.DialTimeout("tcp", address, 5*time.Second)
	}
	conn, err := net.DialTimeout("unix", fakelet, 5*time.Second)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(conn, host)
	return conn, err
}
