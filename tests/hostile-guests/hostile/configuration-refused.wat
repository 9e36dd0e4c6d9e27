;; Refuses its configuration in words that move the cursor.
;; expect: load Config Config u{1b}]0;
;; declarations
(data (i32.const 3072) "\01\00\00\00\00\10\00\00\09\00\00\00")
(data (i32.const 4096) "\1b]0;mine\07")
;; configure
(i32.const 3072)
