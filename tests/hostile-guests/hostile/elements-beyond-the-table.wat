;; Its functions have no place in its table.
;; expect: load Config Trap
;; declarations
(table 1 funcref)
(func $f)
(elem (i32.const 1) $f)
