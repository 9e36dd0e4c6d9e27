;; Its data has no place in its memory.
;; expect: load Config Trap
;; declarations
(data (i32.const 131070) "far too long")
