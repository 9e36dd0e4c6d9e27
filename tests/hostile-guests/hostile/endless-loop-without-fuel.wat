;; Never ends, and has fuel for ever.
;; expect: run Deadline
;; limits: fuel=max deadline_ms=50
;; body
(loop $for-ever (br $for-ever)) (i32.const 1024)
