// Keys and tokens made with Node's crypto module, so that another implementation has chosen every byte: the private
// keys were thrown away. Every token says {"role":"authenticated","sub":"7c9e6679-7425-40de-944b-e07fc1f90ae7","exp":…}
// and expires in the year 2100.
#pragma once

#include <string_view>

namespace pg_live::test {

struct SignedToken {
  std::string_view algorithm;
  std::string_view key; // JWK without kid and alg
  std::string_view token;
};

inline constexpr std::string_view kRsaKey =
    R"({"kty":"RSA","n":"iviX59BbWGyQNCcdOSYqtNKfZpr-CyvnYOCegvtaY6FPdr_0rNbj3hfYH4iItqVSQTZPjLvVlL_IYiPQII)"
    R"(99KSgLExN4HpsQtgvQDhMl3-wtFqBuraQTV2kDrbX2iubnrZkZbskYY2n534lDiKAP-IR-uCgnJOQ7QvckCZNbv6RaGydwnf0uS5)"
    R"(hvu8zHMXhAbK7btrMWv8T-2BmVn37miA1Qd9C1uSytGqJdNm0w0HIvBhTDOso76S3Fmr6OKrAL5C1rw1MZNgm7o3nedUySPxjh9S)"
    R"(GN7aabw1mtznU05eZJ8r3IZfUjWbk-Svil7yJeK_wmpqIjC5-boW04yC4OIQ","e":"AQAB"})";

inline constexpr std::string_view kP256Key =
    R"({"kty":"EC","x":"2x2fvoqbYnhmH5YRdfhLrZ4mYyhQLkOmmI_SIXKWg_g","y":"f8J9NTWPbxI0iTYbUGxeU3EtUyiFWupwd)"
    R"(f30dOwZ-o4","crv":"P-256"})";

inline constexpr std::string_view kP384Key =
    R"({"kty":"EC","x":"l7pPkJWiZVUkZxsoOPERcl8_-pkZKrO6yEBBsK6N5pPjzyzGh0HdoN6jmBEViiUv","y":"VpXDMkHUi9H-)"
    R"(YWRh1yhP7DbVoDjt99hww7Ff4vqPt8ePkq-tqo_KXZ_PNyaqJDUG","crv":"P-384"})";

inline constexpr std::string_view kP521Key =
    R"({"kty":"EC","x":"AVUs-q9Q_thZA8kay0xJ46xdNRmiU6FYuCqeyFq3v_wwCFsFKgQMI30M1ZuKpLSrCLKVJgoQ-hGQ0y9qa-W)"
    R"(W9yqP","y":"Ac2C3ncKTFjz6um7J4gGo2ovSWia7GGvl4dOXYgF9dM_sCv2hMZrlA6OH6k_GO0UwH8WH3gzopMZO9_IVbBxrGyD)"
    R"(","crv":"P-521"})";

inline constexpr std::string_view kEd25519Key =
    R"({"crv":"Ed25519","x":"gpvadh_1auHRN63c8Rkp6ic0m9OPP-td79gTXgrizbk","kty":"OKP"})";

inline constexpr std::string_view kWeakRsaKey =
    R"({"kty":"RSA","n":"xE9mJjkMk9cwYXPbKqFnX3eO02pPxLFVMX0UuBHawmggoL2a8BBLXQERAwqAiNEqJRJVzL6zzS_9TzUx2c)"
    R"(YptMW5JlEwRjpbK2GFnsm2mPg-S63PaRKglLEIoxYkcptLJFWaEUqPNq1aJVSO6ZA8aHVGeq3WdJTgN-6yaPZI5OM","e":"AQAB)"
    R"("})";

inline constexpr SignedToken kSignedTokens[] = {
    {"RS256", kRsaKey,
     R"(eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.Dy1nRZOQWPskfnzFc1oXr-NITruxH0iSYjidLUVUvC0abQp)"
     R"(es_yN8Gx6qYwNTdeG7yAj4eqcWtUzHIcj3ckIc5T1yionFeIInGxwGpaDu971rN9RHtRH0FFRR8W6f5FCGtuZfdzjgplaXnAffrR)"
     R"(FWoJC_IOrOGebZGI7y-OptN71EAO_1ICDqg4jkMeHEJ2RdtM9ct2yUKMewmrQDY0Eqsk1kSBiEauLxkBxjBtreB2ajwuK85__4k9)"
     R"(qB3UoA4vnImLmRRP0IyDYEWPNZNidj1RO34fFaOEQStEVRUU7Ed2eiYMzlPmDBK3wtX-Ery-9Qd9DCZJd830VmL11o6l_zA)"},
    {"RS384", kRsaKey,
     R"(eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.Xz_WIYK4mi4miv9olZ6iOjrppa07jEnYMagHKfNNbwIYm9x)"
     R"(GVEIk2wlbyYHnye1obHjCpWvSno41PcJo7dhyTufigNWxvCNPP2L7a0PB4nP81Q5LH0erJejqnlt7_df_25gWIAqqglPAz0HtE3o)"
     R"(8Vh8Cf23v-arL2hzeYnRY7sbCrchfAcJMo5ID1dAeAKw7NmEdG5XGl2fDRVcnN4UH7bIa2jx3lCa4XWA3hp1HVpZ0E1vDJiKmMiq)"
     R"(zwnrzM-Ft2m56LMExjWDYIGMqiYSp5en5FpNNIp5thglAi9AB7FN9uxpmQgMQnzEf9qVVqwIWXOtgECXDXp0bGWtskxaVVg)"},
    {"RS512", kRsaKey,
     R"(eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.SHV-WE0U6TddahcYPBG1sgVjxtqKo95g-AKZKLi39eI5xY_)"
     R"(lGF9Z8XWPBhceC6T7_5gvDbx7aYP46L-5TqxH6c-Q--d_3A4_KByCcw_Y270z1P8Z55p-uouMKhzZI1lN9FteI_1DCyf42JUIuYj)"
     R"(PB4-8ryNwn_vog17E3dYZlcq2GG93e6N1yHpVEu_nfFyhgCb-NOPJLvA4JGvqlJCiUA8mx85Nfk50rp4w_ZWS6WmFZfvy8a4oQgG)"
     R"(aslWG0BGplhSlpAM02R7HwENWS-8yW98Vo4fKQCK5IXTYSYKeIvi-3x5Ixhdbskt7H5LLOmPiiMGG7mFrRqb_F5KlE-fNXg)"},
    {"PS256", kRsaKey,
     R"(eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.FT6RBgEXl4SACYbB5YZN7cH-m7FeUJyXa3DhQwJAzSNgU_6)"
     R"(UWBlZcAXhBDZ2zhsYxXvz7KVdfxmBZJeW7gI2mhrSH5gYijq9PQ02YBtqgLYcPIKkiv_mKwhMTDzYQDiffgi_XhJ3MyBoN4wq7Gd)"
     R"(nSAgRg4sfcahkISZSrfqYQ-6InOYIDiRbOC8KWgs7QkdAkTAFbZchb_H0degQAiPUE9mCv6TSHl9Oj0uRZpInoAS9cYfnrixrLyK)"
     R"(M94oHmfT4yXe4I9Y4mjwrhk9eFGRl9o6Cj9Lggm1YLqhAq6yRhSIWqUGFj1_BMww4VLpQRzkb6IAZHyuzP_-1Gh3MrZyIWg)"},
    {"PS384", kRsaKey,
     R"(eyJhbGciOiJQUzM4NCIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.hSozGKo6XmMqNkw3tdV6UNSRQ8nNW9PIUe6XwRS-wTlVZwg)"
     R"(YWtaRoy4HczppCx75AigbypeaXBgz_8UKQTL-xXS3B6LixC1WL-pwz1A1usVHaGNiM5uFMgS51Zq7CyFnk8Vw-cLzdhf5fYNzt5O)"
     R"(MI4-JcACW6HXFQuTy7j-ehYKn4U_82M2l0gco2X7CuQ8rUSP4XXOlvMEbQqutIcwW43etabeRKuRbhqbVVNqF3h2GQ130m37PE3I)"
     R"(8nfZS4MIvPdr669ZV-ESzk8xfqhYcfe87sQfCtCMUmETPHkO-pWsEZi6GjoZuX4NnNabAcuzeYAkxahpUz77uoOc0Yc_OFA)"},
    {"PS512", kRsaKey,
     R"(eyJhbGciOiJQUzUxMiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.ghDPIqUStWAeycrVXCPnVBb69-5Cvq7zcCJG9lKORjaWNL1)"
     R"(wEfQDLW0iS34PkNt6gZag7j9q71xkwpqs74gerJaHp-jIVu81VRHcgTmX7vdNgqiWQqtjGrITQUlRXapQRhZ4KFG69nggOuEXJZe)"
     R"(IdIZ5HN8LYw__dy8nKEt3-ZXxOBnGzaOLYQpwSDrpHfjrhre21HjPNUOmKy99abpb_R-SeT0Vj-pj06BOeMOrIByYgu0xnE4kKxN)"
     R"(gBFLPkyjjfSJFF8jGNt4aWMY_SU53gMkST3b39pMQTBP2wnSHYbT_zb0kDN-nfXgCURQfIwjC5kZQnRUOSe_qRZ_JSUnK2w)"},
    {"ES256", kP256Key,
     R"(eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.R2zUR4-g1ABiBCxYMYuIdCIfSGaEtiq1irPDGeuiTJxmXU2)"
     R"(W8Dk8x6B-hw8q4kPjsa2GsF8KR0bVAs4qi0BMvw)"},
    {"ES384", kP384Key,
     R"(eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.k8nhVt9WUo3TaEBds5OxKO3FCL5dPIuHm-2hmU4CaslSm-R)"
     R"(YWxcZHQrQbfjvh9RWnuON-YCPZ0dBO-7XGlD-WyF4jskAKL5FvZBT6OzYhmKYKe85QLvvirT9eduE3k6T)"},
    {"ES512", kP521Key,
     R"(eyJhbGciOiJFUzUxMiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.ANlY9cwhYfPMrFtArcdeL4sS7LuGpplQcbjS_JzUYO3_Pel)"
     R"(UEGNAbC-ZRPpw19cXr1CCoqkxbm0JKoeZebmzkQ_PAGs_wqcUe4tO13qxl5G1ccNhLQuu4wtljxaL535QMqHpTArvgAQH6Ebt_qO)"
     R"(u2ej5nnLEoNM9-42Iy0Grg3uHxTD2)"},
    {"EdDSA", kEd25519Key,
     R"(eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjdjOWU2Njc5LTc0MjUtNDB)"
     R"(kZS05NDRiLWUwN2ZjMWY5MGFlNyIsImV4cCI6NDEwMjQ0NDgwMH0.EPjAofZPPqpVfjCfJpSywQ2Nyj72JqopmAGhK5wqcdfjdMh)"
     R"(Jps1rznFEnu3N75T1z8UpSqniBivdHfakG2M0Bg)"},
};

} // namespace pg_live::test
