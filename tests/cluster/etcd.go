// One etcd member inside this binary. By default it flushes nothing to disk: a killed process loses
// nothing, a lost machine loses everything, which is the right trade for tests. No TLS, no peers.
package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

func runEtcd(args []string) error {
	flags := flag.NewFlagSet(nameEtcd, flag.ExitOnError)
	dir := flags.String("data-dir", "", "data directory")
	client := flags.String("client", "", "host:port for clients")
	peer := flags.String("peer", "", "host:port for peers (never contacted)")
	fsync := flags.Bool("fsync", false, "flush the log to disk")
	level := flags.String("log-level", "error", "log level")
	_ = flags.Parse(args)

	config := embed.NewConfig()
	config.Name, config.Dir = "one", *dir
	config.LogLevel, config.LogOutputs = *level, []string{"stderr"}
	config.UnsafeNoFsync = !*fsync
	config.QuotaBackendBytes = 8 << 30
	config.SnapshotCount = 50000
	// One member elects itself; with the default timers that takes most of a second.
	config.TickMs, config.ElectionMs = 10, 100
	clientURL, peerURL := url.URL{Scheme: "http", Host: *client}, url.URL{Scheme: "http", Host: *peer}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{clientURL}, []url.URL{clientURL}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peerURL}, []url.URL{peerURL}
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer server.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-stop:
		return nil
	case err := <-server.Err():
		return fmt.Errorf("etcd: %w", err)
	}
}
