;; The same into one place for ever.
;; expect: run Deadline
;; limits: fuel=max deadline_ms=50
;; realloc
(i32.const 65536)
;; body
(loop $again (call $class-cpu (local.get 0) (i32.const 0) (i32.const -1) (i32.const 512)) (br $again)) (i32.const 1024)
