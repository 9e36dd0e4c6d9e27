;; Takes its configuration where it has no memory.
;; expect: load Config Trap realloc
;; realloc
(i32.const 1000000000)
