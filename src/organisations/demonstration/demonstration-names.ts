/** Words that demonstration names are made of: plausible together, and nobody's. */

export const placeStarts = (
  'North East West South Ells Harrow Kestrel Thorn Wyn Marl Fenn Brack Hollin Osp Quarn Rook ' +
  'Tarn Vell Wether Yarn Alder Cress Dun Gorse Heron Ivy Lark Moss Nettle Otter Plover Swan'
).split(' ');

export const placeEnds =
  'moor mere firth combe wick stead haven leigh beck holt dale thwaite minster ness'.split(' ');

export const trustKinds = [
  'Teaching Hospitals NHS Foundation Trust',
  'Hospitals NHS Trust',
  'University Hospitals NHS Foundation Trust',
  'Community Health NHS Trust',
  'Mental Health Partnership NHS Foundation Trust',
  'Healthcare NHS Foundation Trust',
] as const;

export const practiceKinds = ['Surgery', 'Medical Centre', 'Health Centre', 'Family Practice'];

export const careKinds = ['Care Home', 'Home Care', 'Nursing Home', 'Hospice', 'Supported Living'];

export const supplierKinds = ['Systems Ltd', 'Digital Ltd', 'Pathology LLP', 'Imaging Ltd'];

export const streets = (
  'Mill Lane, Church Street, Station Road, The Green, High Street, Park Avenue, Bridge Street, ' +
  'Orchard Way, Chapel Hill, Quay Side, Weavers Row, Abbey Walk'
).split(', ');

export const regionNames = (
  'Northern Marches, Eastern Levels, Western Dales, Southern Downs, Middle Shires, ' +
  'Harbour Coast, Capital'
).split(', ');

export const firstNames = (
  'Sam Alex Priya Kim Ash Lee Robin Jo Amara Chris Noor Pat Rhys Siân Tariq Wen Ines Kofi Leila ' +
  'Morgan Nia Owen Petra Quinn Ravi Sasha Tomasz Uma Vikram Zoë'
).split(' ');

export const lastNames = (
  "Page Okafor Hughes Patel Lindqvist Marsh O'Neil Byrne Castle Dhillon Evans Farrow Gill " +
  'Hartley Iqbal Jarvis Kaur Lowe Mbeki Novak Oyelaran Price Rahman Singh Thorne Underhill ' +
  'Vance Webb Yates'
).split(' ');
