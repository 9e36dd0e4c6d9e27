;; The same with fuel for ever.
;; expect: load Config Deadline
;; limits: fuel=max deadline_ms=50
;; configure
(loop $for-ever (br $for-ever)) (i32.const 1024)
