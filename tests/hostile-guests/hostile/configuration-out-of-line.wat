;; Refuses at an odd address.
;; expect: load Config Trap
;; configure
(i32.const 3073)
