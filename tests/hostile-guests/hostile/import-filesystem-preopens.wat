;; Wants wasi:filesystem/preopens.
;; expect: load Import wasi:filesystem/preopens@0.2.0
(component (import "wasi:filesystem/preopens@0.2.0" (instance (export "get-directories" (func)))))
