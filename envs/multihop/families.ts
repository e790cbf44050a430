/**
 * English names of the language groups that CLDR 48 places official languages in, after ISO 639-5.
 * Neither CLDR nor Intl names group codes. 'languages' at the end of the ISO names is left out: as a token
 * common to all of them it would give a wrong family half of the F1.
 */
export const FAMILY_NAMES: Readonly<Record<string, string>> = {
  aav: 'Austroasiatic',
  afa: 'Afro-Asiatic',
  alv: 'Atlantic-Congo',
  bat: 'Baltic',
  bnt: 'Bantu',
  cel: 'Celtic',
  cpf: 'French Creole',
  cpp: 'Portuguese Creole',
  cus: 'Cushitic',
  dra: 'Dravidian',
  esx: 'Eskimo-Aleut',
  fiu: 'Finno-Ugric',
  gem: 'Germanic',
  gmq: 'North Germanic',
  gmw: 'West Germanic',
  iir: 'Indo-Iranian',
  inc: 'Indic',
  ine: 'Indo-European',
  ira: 'Iranian',
  itc: 'Italic',
  map: 'Austronesian',
  mkh: 'Mon-Khmer',
  nic: 'Niger-Kordofanian',
  phi: 'Philippine',
  plf: 'Central Malayo-Polynesian',
  poz: 'Malayo-Polynesian',
  pqe: 'Eastern Malayo-Polynesian',
  pqw: 'Western Malayo-Polynesian',
  qwe: 'Quechuan',
  roa: 'Romance',
  sem: 'Semitic',
  sit: 'Sino-Tibetan',
  sla: 'Slavic',
  tai: 'Tai',
  tbq: 'Tibeto-Burman',
  trk: 'Turkic',
  tup: 'Tupi',
  urj: 'Uralic',
  zle: 'East Slavic',
  zls: 'South Slavic',
  zlw: 'West Slavic',
};

/**
 * Groups passed over, their members going to the group above if there is one: areal or disputed
 * collections that are no family (Altaic, Caucasian, Khoisan, Papuan, South American), and groups whose ISO
 * name is that of their main language (Chinese, Greek, Japanese, Mongolian).
 */
export const PASSED_OVER: ReadonlySet<string> = new Set([
  'cau',
  'ccs',
  'grk',
  'jpx',
  'khi',
  'ngb',
  'ngf',
  'paa',
  'sai',
  'tut',
  'xgn',
  'zhx',
]);

/**
 * Language codes that world-countries 5.1.0 gives wrong. Taken as they stand, Belizean Creole (bzj) would be
 * a Papuan language (bjz, Baruga).
 */
export const CORRECTED_CODES: Readonly<Record<string, string>> = { bjz: 'bzj', nfr: 'nrf' };
