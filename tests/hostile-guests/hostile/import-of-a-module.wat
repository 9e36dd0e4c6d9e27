;; Wants a core module from outside.
;; expect: load Import payload
(component (import "payload" (core module)))
