;; Memory of 64 bits.
;; expect: load
;; declarations
(memory $m i64 1)
