// The cluster's keys: one certificate authority, the certificates it signs, bearer tokens and the
// kubeconfig files that carry them. It renews and revokes nothing; a cluster lives for one test run.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// pki writes P-256 keys: milliseconds each, where RSA takes a good part of a second.
type pki struct {
	dir    string
	caCert *x509.Certificate
	caKey  crypto.Signer
	serial int64
}

func newPKI(dir string) (*pki, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "testcluster-ca"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	p := &pki{dir: dir, caCert: cert, caKey: key, serial: 1}
	if err := writePEM(p.file("ca.crt"), "CERTIFICATE", der); err != nil {
		return nil, err
	}
	// The key is kept: tests sign the certificates of their webhooks and aggregated APIs with it.
	return p, writeKey(p.file("ca.key"), key)
}

func (p *pki) file(name string) string { return filepath.Join(p.dir, name) }

// issue writes NAME.crt and NAME.key: a serving certificate if host names are given, else a client
// certificate for user cn.
func (p *pki) issue(name, cn string, groups, hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	p.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(p.serial), Subject: pkix.Name{CommonName: cn, Organization: groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, p.caCert, key.Public(), p.caKey)
	if err != nil {
		return err
	}
	if err := writePEM(p.file(name+".crt"), "CERTIFICATE", der); err != nil {
		return err
	}
	return writeKey(p.file(name+".key"), key)
}

// issueAll writes every certificate the components need.
func (p *pki) issueAll() error {
	local := []string{"127.0.0.1", "localhost"}
	for _, c := range []struct {
		name, cn      string
		groups, hosts []string
	}{
		{"apiserver", "kube-apiserver", nil, append(local, "::1", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.96.0.1")},
		{"local", "local", nil, local}, // serves the controller manager, the scheduler and the fakelet
		{"admin", "admin", []string{"system:masters"}, nil},
		{"front-proxy", "front-proxy-client", nil, nil},
		{"sa", "sa", nil, nil},
	} {
		if err := p.issue(c.name, c.cn, c.groups, c.hosts); err != nil {
			return err
		}
	}
	return nil
}

// issueTokens writes tokens.csv for the API server and one kubeconfig per user. Tokens rather than
// client certificates: the API server caches a token but verifies a certificate anew for every
// request, which was a tenth of its CPU time.
func (p *pki) issueTokens(dir, server string) error {
	var csv strings.Builder
	for _, u := range []struct{ file, user, group string }{
		{"kubeconfig", "admin", "system:masters"},
		// The controller manager's own role suffices only together with one service account per controller.
		{"kcm.kubeconfig", "system:kube-controller-manager", "system:masters"},
		{"scheduler.kubeconfig", "system:kube-scheduler", ""},
		{"fakelet.kubeconfig", "fakelet", "system:masters"},
	} {
		token := rand.Text()
		fmt.Fprintf(&csv, "%s,%s,%s,%q\n", token, u.user, u.user, u.group)
		config := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: testcluster, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: %[3]q, user: {token: %[4]q}}]
contexts: [{name: testcluster, context: {cluster: testcluster, user: %[3]q}}]
current-context: testcluster
`, server, p.file("ca.crt"), u.user, token)
		if err := os.WriteFile(filepath.Join(dir, u.file), []byte(config), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "tokens.csv"), []byte(csv.String()), 0o600)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "EC PRIVATE KEY", der)
}
