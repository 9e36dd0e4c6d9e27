;; Makes a whole number of NaN.
;; expect: run Trap conversion
;; body
(i32.trunc_f64_s (f64.const nan))
