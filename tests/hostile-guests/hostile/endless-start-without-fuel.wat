;; The same with fuel for ever.
;; expect: load Config Deadline
;; limits: fuel=max deadline_ms=50
;; declarations
(func $begin (loop $for-ever (br $for-ever)))
(start $begin)
