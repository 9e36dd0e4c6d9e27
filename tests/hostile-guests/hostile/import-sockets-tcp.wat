;; Wants wasi:sockets/tcp.
;; expect: load Import wasi:sockets/tcp@0.2.0
(component (import "wasi:sockets/tcp@0.2.0" (instance (export "connect" (func)))))
